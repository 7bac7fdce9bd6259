package main

import (
	"encoding/json"
	"strconv"
)

// message is a request (with an id and a method), a notification (without an id) or an answer.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  *string         `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// fault is why it is no message.
func (said *message) fault() string {
	switch {
	case said.Version != "2.0":
		return `"jsonrpc": "2.0" is missing`
	case said.Method == nil && said.Result == nil && said.Error == nil:
		return "there is neither a method nor an answer"
	case said.Method == nil && said.ID == nil:
		return "an answer has an id"
	case said.Method != nil && said.ID != nil && !isID(said.ID):
		return "an id is a text or an integer"
	}
	return ""
}

func isID(id json.RawMessage) bool {
	_, err := strconv.ParseInt(string(id), 10, 64)
	return err == nil || len(id) > 0 && id[0] == '"'
}
