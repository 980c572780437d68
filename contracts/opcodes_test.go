package contracts

import "testing"

// What must not be in a forwarder: code that runs foreign code as its own, ends it, or keeps state that could change.
var forbidden = map[byte]string{0xf2: "CALLCODE", 0xf4: "DELEGATECALL", 0xff: "SELFDESTRUCT", 0x55: "SSTORE", 0x5d: "TSTORE",
	0xf0: "CREATE", 0xf5: "CREATE2"}

func TestC21_ForwarderHasNoOtherWay(t *testing.T) {
	if found := opcodes(Forwarder.Runtime, forbidden); len(found) > 0 {
		t.Errorf("the forwarder contains %v", found)
	}
	if size := len(Forwarder.Runtime); size > 224 {
		t.Errorf("the forwarder grew to %d bytes: 200 gas each, at each deposit address", size)
	}
	// The control: the factory does create, and a byte inside a PUSH is not an instruction.
	if found := opcodes(Factory.Runtime, forbidden); len(found) != 1 || found[0] != "CREATE2" {
		t.Errorf("the factory contains %v", found)
	}
	if found := opcodes([]byte{0x60, 0xff, 0x61, 0xf4, 0xf4, 0xff}, forbidden); len(found) != 1 {
		t.Errorf("found %v in one SELFDESTRUCT", found)
	}
}

// opcodes returns the names of the instructions of code that are in named.
func opcodes(code []byte, named map[byte]string) (found []string) {
	for at := 0; at < len(code); at++ {
		op := code[at]
		if name, ok := named[op]; ok {
			found = append(found, name)
		}
		if op >= 0x60 && op <= 0x7f { // PUSH1 to PUSH32 carry data
			at += int(op) - 0x5f
		}
	}
	return found
}
