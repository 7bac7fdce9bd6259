package main

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const deepest = 1000 // of nesting

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

// isJSON is stricter than json.Valid: text is whole, and nesting has an end.
func isJSON(line []byte) bool {
	if !utf8.Valid(line) || !json.Valid(line) {
		return false
	}
	depth, inText := 0, false
	for at := 0; at < len(line); at++ {
		switch {
		case line[at] == '"':
			inText = !inText
		case inText && line[at] == '\\':
			length := escape(line[at:])
			if length == 0 {
				return false
			}
			at += length - 1
		case !inText && (line[at] == '[' || line[at] == '{'):
			depth++
		case !inText && (line[at] == ']' || line[at] == '}'):
			depth--
		}
		if depth > deepest {
			return false
		}
	}
	return true
}

// escape is the length of the escape that a text begins with; 0 when it is half of a surrogate pair.
func escape(text []byte) int {
	if text[1] != 'u' {
		return 2
	}
	first := unit(text)
	if !utf16.IsSurrogate(first) {
		return 6
	}
	if utf16.DecodeRune(first, unit(text[6:])) == utf8.RuneError {
		return 0
	}
	return 12
}

// unit is the UTF-16 code unit that a text begins with as an escape; 0 when it does not.
func unit(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	value, _ := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(value)
}
