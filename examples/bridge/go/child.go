package main

// The conversation with the worker, and what is open in it.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const (
	noJSON     = -32700
	badMessage = -32600
	noMethod   = -32601
	badParams  = -32602
	noProtocol = -32001
	tooMany    = -32002
	tooLong    = -32003

	concurrency = 100
	lastAnswers = 900 * time.Millisecond // for what is open when the child has to leave
)

type child struct {
	lock    sync.Mutex // of all below, and held by what is written below
	wire    *bufio.Writer
	limit   int // of a line, in bytes
	ready   bool
	leaving bool
	left    json.RawMessage           // the id of shutdown
	runs    map[string]*run           // by name
	open    map[string]bool           // by ids of the host's requests
	asked   map[string]chan<- message // by ids of our own
	last    int                       // of those
}

func (child *child) write(said map[string]any) error {
	said["jsonrpc"] = "2.0"
	line, err := json.Marshal(said)
	if err != nil {
		return err
	}
	if len(line) >= child.limit {
		return fmt.Errorf("it makes a message of %d bytes; %d is the most", len(line)+1, child.limit)
	}
	child.wire.Write(append(line, '\n'))
	if child.wire.Flush() != nil {
		os.Exit(1) // the worker is gone
	}
	return nil
}

func (child *child) answer(id json.RawMessage, result any) error {
	return child.write(map[string]any{"id": id, "result": result})
}

func (child *child) refuse(id json.RawMessage, code int, why string) {
	child.write(map[string]any{"id": id, "error": map[string]any{"code": code, "message": fmt.Sprintf("%.200s", why)}})
}

// request asks the host. It takes the lock.
func (child *child) request(method string, params map[string]any, answered chan<- message) error {
	child.lock.Lock()
	defer child.lock.Unlock()
	child.last++
	child.asked[strconv.Itoa(child.last)] = answered
	return child.write(map[string]any{"id": child.last, "method": method, "params": params})
}

// take hears one line. It takes the lock.
func (child *child) take(line []byte) {
	child.lock.Lock()
	defer child.lock.Unlock()
	var said message
	switch line = bytes.TrimRight(line, "\r\n"); {
	case len(line) == 0:
		return
	case !isJSON(line):
		child.refuse(nil, noJSON, "this is no JSON")
		return
	case json.Unmarshal(line, &said) != nil || said.fault() != "":
		if !isID(said.ID) || said.Method == nil {
			said.ID = nil
		}
		child.refuse(said.ID, badMessage, "this is no message: "+said.fault())
		return
	}
	switch {
	case said.Method == nil:
		if answered := child.asked[string(said.ID)]; answered != nil {
			delete(child.asked, string(said.ID))
			answered <- said
		}
	case said.ID == nil:
		child.notice(*said.Method, said.Params)
	case child.open[string(said.ID)]:
		child.refuse(said.ID, badMessage, "this request is open already")
	case child.ready == (*said.Method == "initialize"):
		child.refuse(said.ID, badMessage, "initialize comes first, and once")
	default:
		child.serve(said.ID, *said.Method, said.Params)
	}
}

func (child *child) notice(method string, params json.RawMessage) {
	var told struct{ Run string }
	if method == "cancel" && json.Unmarshal(params, &told) == nil && child.runs[told.Run] != nil {
		child.runs[told.Run].cancel()
	}
}

func (child *child) serve(id json.RawMessage, method string, params json.RawMessage) {
	switch method {
	case "initialize":
		child.initialize(id, params)
	case "execute":
		child.execute(id, params)
	case "ping":
		child.answer(id, map[string]any{})
	case "shutdown":
		child.shutdown(id, params)
	default:
		child.refuse(id, noMethod, "there is no method "+method)
	}
}

func (child *child) initialize(id json.RawMessage, params json.RawMessage) {
	var told struct {
		Protocol []string
		Limits   struct {
			Bytes int `json:"message_bytes"`
		}
	}
	if json.Unmarshal(params, &told) != nil {
		child.refuse(id, badParams, "protocol is a list of versions")
		return
	}
	for _, version := range told.Protocol {
		child.ready = child.ready || version == "1.0"
	}
	if !child.ready {
		child.refuse(id, noProtocol, "only protocol 1.0 is spoken here")
		os.Exit(1)
	}
	if told.Limits.Bytes > 0 {
		child.limit = told.Limits.Bytes
	}
	named := []map[string]string{}
	for name := range handlers {
		named = append(named, map[string]string{"name": name})
	}
	child.answer(id, map[string]any{
		"protocol":    "1.0",
		"concurrency": concurrency,
		"handlers":    named,
		"child":       map[string]string{"language": "go", "version": runtime.Version()},
	})
}

func (child *child) execute(id json.RawMessage, params json.RawMessage) {
	run := &run{id: id, child: child}
	err := json.Unmarshal(params, run)
	switch {
	case err != nil || run.Name == "" || run.Handler == "" || run.Task == nil || run.Step == nil || run.Results == nil || run.Saved == nil:
		child.refuse(id, badParams, "execute has a run, a handler, a task, a step, results and saved")
	case handlers[run.Handler] == nil:
		child.refuse(id, noMethod, "there is no handler "+run.Handler)
	case child.runs[run.Name] != nil:
		child.refuse(id, badMessage, "run "+run.Name+" is open already")
	case child.leaving || len(child.runs) >= concurrency:
		child.refuse(id, tooMany, "too many")
	default:
		run.ctx, run.cancel = context.WithCancel(context.Background())
		child.runs[run.Name], child.open[string(id)] = run, true
		go child.finish(run)
	}
}

// finish runs a handler to its outcome, and answers. It takes the lock.
func (child *child) finish(run *run) {
	came := run.outcome()
	child.lock.Lock()
	defer child.lock.Unlock()
	run.cancel()
	delete(child.runs, run.Name)
	delete(child.open, string(run.id))
	if err := child.answer(run.id, came); err != nil { // what it returned is no JSON, or too long
		failed := failure{Type: "ContractError", Message: err.Error()}
		child.answer(run.id, map[string]any{"outcome": "error", "error": failed})
	}
	child.leaveWhenDone()
}

func (child *child) shutdown(id json.RawMessage, params json.RawMessage) {
	var told struct{ Grace *float64 }
	if params != nil && json.Unmarshal(params, &told) != nil {
		child.refuse(id, badParams, "grace is a number of seconds")
		return
	}
	child.leaving, child.left = true, id
	child.leaveWhenDone()
	if told.Grace != nil {
		time.AfterFunc(time.Duration(math.Min(*told.Grace, 1e9)*float64(time.Second)), child.stop)
	}
}

func (child *child) leaveWhenDone() {
	if !child.leaving || len(child.runs) > 0 {
		return
	}
	if child.left != nil {
		child.answer(child.left, map[string]any{})
	}
	os.Exit(0)
}

// stop cancels what is open, and ends the process soon, whatever that does. It takes the lock.
func (child *child) stop() {
	child.lock.Lock()
	child.leaving = true
	for _, run := range child.runs {
		run.cancel()
	}
	child.leaveWhenDone()
	child.lock.Unlock()
	time.Sleep(lastAnswers)
	os.Exit(0)
}

// readLine gives the next line, of which nothing is kept when it is above the limit.
func readLine(input *bufio.Reader, limit int) (line []byte, long bool, err error) {
	for {
		part, err := input.ReadSlice('\n')
		if line = append(line, part...); len(line) > limit {
			line, long = line[:0], true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

func main() {
	child := &child{
		wire:  bufio.NewWriter(os.Stdout),
		runs:  map[string]*run{},
		open:  map[string]bool{},
		asked: map[string]chan<- message{},
		limit: 64 << 20,
	}
	os.Stdout = os.Stderr // what a handler prints is for the log
	input := bufio.NewReaderSize(os.Stdin, 256<<10)
	for {
		line, long, err := readLine(input, child.limit)
		if long {
			child.lock.Lock()
			child.refuse(nil, tooLong, fmt.Sprintf("a message has at most %d bytes", child.limit))
			child.lock.Unlock()
		} else {
			child.take(line)
		}
		if err != nil { // the input has ended
			child.stop()
		}
	}
}
