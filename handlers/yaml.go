package handlers

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// mustJSON turns the API's document into JSON, its fields in the order in which they were written, which is the order to read them in.
// A document that cannot be read is a mistake of the build.
func mustJSON(document []byte) []byte {
	var root yaml.Node
	var out bytes.Buffer
	err := yaml.Unmarshal(document, &root)
	if err == nil {
		err = writeJSON(&out, root.Content[0])
	}
	if err != nil {
		panic("handlers: openapi.yaml: " + err.Error())
	}
	return out.Bytes()
}

func writeJSON(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.MappingNode:
		return writeEach(out, '{', node, '}')
	case yaml.SequenceNode:
		return writeEach(out, '[', node, ']')
	case yaml.ScalarNode:
		var value any
		if err := node.Decode(&value); err != nil {
			return err
		}
		text, err := json.Marshal(value)
		out.Write(text)
		return err
	default:
		return fmt.Errorf("line %d: the document uses no anchors", node.Line)
	}
}

// writeEach writes a mapping's keys and values, which alternate, or a sequence's items.
func writeEach(out *bytes.Buffer, open byte, node *yaml.Node, end byte) error {
	out.WriteByte(open)
	for i, item := range node.Content {
		isKey := open == '{' && i%2 == 0
		switch {
		case i > 0 && (open == '[' || isKey):
			out.WriteByte(',')
		case i > 0:
			out.WriteByte(':')
		}
		if isKey {
			item = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: item.Value} // also 200, the name of an answer
		}
		if err := writeJSON(out, item); err != nil {
			return err
		}
	}
	out.WriteByte(end)
	return nil
}
