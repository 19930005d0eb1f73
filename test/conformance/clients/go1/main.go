// Command go1 is the AWS SDK for Go 1, driven by lines of JSON. The SDK is out of support, which is why the
// program is a module of its own.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/request"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/chime"
	"github.com/aws/aws-sdk-go/service/chimesdkmeetings"
)

type question struct {
	Ask, Service, Op, URL string
	Key                   struct{ AccessKeyID, SecretAccessKey string }
	Input                 json.RawMessage
}

type failure struct {
	Name      string `json:"name"`
	Status    int    `json:"status"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
}

type answer struct {
	Status    int      `json:"status,omitempty"`
	RequestID string   `json:"requestId,omitempty"`
	Output    any      `json:"output,omitempty"`
	Error     *failure `json:"error,omitempty"`
	Refused   string   `json:"refused,omitempty"`
	Broken    string   `json:"broken,omitempty"`
}

func main() {
	lines, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			out.Encode(answer{Broken: err.Error()})
			continue
		}
		if q.Ask != "" {
			out.Encode(operations())
			continue
		}
		out.Encode(call(q))
	}
}

func client(q question) any {
	config := aws.NewConfig().WithEndpoint(q.URL).WithRegion("eu-central-1").WithMaxRetries(0).
		WithLogger(aws.LoggerFunc(func(...any) {})). // it would say on our output that an operation is deprecated
		WithCredentials(credentials.NewStaticCredentials(q.Key.AccessKeyID, q.Key.SecretAccessKey, ""))
	s := session.Must(session.NewSession(config))
	if q.Service == "legacy" {
		return chime.New(s)
	}
	return chimesdkmeetings.New(s)
}

// operations are the methods whose names end in Request.
func operations() map[string][]string {
	found := make(map[string][]string)
	for service, c := range map[string]any{"legacy": (*chime.Chime)(nil), "meetings": (*chimesdkmeetings.ChimeSDKMeetings)(nil)} {
		t := reflect.TypeOf(c)
		for i := range t.NumMethod() {
			if name, ok := strings.CutSuffix(t.Method(i).Name, "Request"); ok {
				found[service] = append(found[service], name)
			}
		}
	}
	return found
}

// call finds the method by its name and fills its input from JSON: the SDK names members as the API does.
func call(q question) answer {
	method := reflect.ValueOf(client(q)).MethodByName(q.Op + "Request")
	if !method.IsValid() {
		return answer{Broken: "there is no operation " + q.Op}
	}
	input := reflect.New(method.Type().In(0).Elem())
	if err := json.Unmarshal(q.Input, input.Interface()); err != nil {
		return answer{Broken: fmt.Sprint("input: ", err)}
	}
	results := method.Call([]reflect.Value{input})
	r := results[0].Interface().(*request.Request)
	err := r.Send()
	if err == nil {
		return answer{Status: r.HTTPResponse.StatusCode, RequestID: r.RequestID, Output: results[1].Interface()}
	}
	var invalid request.ErrInvalidParams
	var known awserr.Error
	switch {
	case errors.As(err, &invalid):
		return answer{Refused: err.Error()}
	case errors.As(err, &known) && r.HTTPResponse != nil && r.HTTPResponse.StatusCode > 0:
		return answer{Error: &failure{Name: known.Code(), Status: r.HTTPResponse.StatusCode, Message: known.Message(), RequestID: r.RequestID}}
	}
	return answer{Broken: err.Error()}
}
