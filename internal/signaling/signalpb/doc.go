// Package signalpb holds the messages of the signaling protocol, generated from proto/signaling.proto.
//
// Fields are proto2 with explicit presence: pointers, nil when absent. The package frame puts messages
// on the wire and takes them off it.
package signalpb

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --proto_path=../../../proto --go_out=. --go_opt=paths=source_relative signaling.proto"
