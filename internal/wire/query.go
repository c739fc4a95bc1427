package wire

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/awsjson"
	"cognate/internal/api/awsquery"
)

const (
	contentTypeForm = "application/x-www-form-urlencoded"
	contentTypeXML  = "text/xml"
	contentTypeJSON = "application/json"
)

// Codes of the front end of query services.
const (
	codeInvalidAction   = "InvalidAction"
	codeMissingAction   = "MissingAction"
	codeMalformedInput  = "MalformedInput"
	codeQueryTooLarge   = "RequestEntityTooLarge"
	codeQueryThrottling = "Throttling"
)

// faultNamespace is the namespace of errors that belong to no service.
const faultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09"

// noVersion stands in messages for a version that the request does not name.
const noVersion = "NO_VERSION_SPECIFIED"

// queryCodes are the front end's codes of AWS JSON, and what query services answer instead.
var queryCodes = map[string]api.Error{
	codeMissingToken:         {Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden},
	codeIncompleteSignature:  {Code: "IncompleteSignature"},
	codeInvalidSignature:     {Code: "SignatureDoesNotMatch", Status: http.StatusForbidden},
	codeUnrecognizedClient:   {Code: "InvalidClientTokenId", Status: http.StatusForbidden},
	codeExpiredToken:         {Code: "ExpiredToken", Status: http.StatusForbidden},
	codeAccessDenied:         {Code: "AccessDenied", Status: http.StatusForbidden},
	api.CodeSerialization:    {Code: codeMalformedInput},
	errTooLarge.Code:         {Code: codeQueryTooLarge, Status: http.StatusRequestEntityTooLarge},
	api.CodeUnknownOperation: {Code: codeInvalidAction},
	codeTooManyRequests:      {Code: codeQueryThrottling},
}

// bindQuery adds an operation of a query service.
func (h *Handler) bindQuery(b *api.Binding) {
	operations := h.versions[b.Service.APIVersion]
	if operations == nil {
		operations = map[string]*api.Binding{}
		h.versions[b.Service.APIVersion] = operations
	}
	if operations[b.Name] != nil {
		panic("wire: two operations for " + b.Name + " of version " + b.Service.APIVersion)
	}
	operations[b.Name] = b
}

// isQuery reports whether a request uses the Query protocol: a form, or parameters in the
// address of a GET.
func isQuery(r *http.Request) bool {
	if r.Method == http.MethodGet {
		return strings.Contains(r.URL.RawQuery, "Action=")
	}
	if r.Method != http.MethodPost || len(r.Header.Values("X-Amz-Target")) > 0 {
		return false
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == contentTypeForm
}

// routeQuery finds the operation by the parameters Version and Action.
func (x *exchange) routeQuery(body []byte) (err error) {
	text := string(body)
	if x.r.Method == http.MethodGet {
		text = x.r.URL.RawQuery
	}
	form, err := awsquery.Parse(text)
	if err != nil {
		return err
	}
	if form.Action == "" {
		return api.NewError(codeMissingAction, "The request is missing an action or a required parameter.")
	}
	x.binding = x.versions[form.Version][form.Action]
	if x.binding == nil {
		version := form.Version
		if version == "" {
			version = noVersion
		}
		return api.NewError(codeInvalidAction, "Could not find operation "+form.Action+" for version "+version)
	}
	x.form = form
	x.request.Service, x.request.Operation = x.binding.Service.Name, x.binding.Name
	return nil
}

// frontEndError returns the error of authentication or authorization as the protocol of the
// request names it.
func (x *exchange) frontEndError(err error) error {
	e, ok := errors.AsType[*api.Error](err)
	if !x.query || !ok {
		return err
	}
	other, ok := queryCodes[e.Code]
	if !ok {
		return err
	}
	if other.Message == "" {
		other.Message = e.Message
	}
	return other.WithCause(err)
}

// queryError translates the errors of the protocol itself. An operation's own errors stay as
// they are, although some have the name of a front end's error.
func (x *exchange) queryError(err error) error {
	switch api.CodeOf(err) {
	case api.CodeSerialization, errTooLarge.Code, api.CodeUnknownOperation, codeTooManyRequests:
		return x.frontEndError(err)
	}
	return err
}

// internalQuery returns the error for a fault of the server.
func (x *exchange) internalQuery() *api.Error {
	code := "InternalFailure"
	if x.binding != nil && x.binding.Declares("ServiceFailure") {
		code = "ServiceFailure"
	}
	return api.NewFault(code, "The request processing has failed because of an unknown error, exception or failure.")
}

// takesJSON reports whether the client of a query service asks for JSON, as some proxies do.
func (x *exchange) takesJSON() bool {
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Accept"))
	return err == nil && kind == contentTypeJSON
}

func (x *exchange) contentType() string {
	switch {
	case !x.query:
		return contentType
	case x.takesJSON():
		return contentTypeJSON
	}
	return contentTypeXML
}

// appendResult appends the body of an answer, with the output if there is one.
func (x *exchange) appendResult(b []byte, out any) []byte {
	op := x.binding.Operation
	if x.takesJSON() {
		b = append(awsjson.String(append(b, '{'), op.Name+"Response"), `:{`...)
		if op.HasOutput {
			b = op.Encode(append(awsjson.String(b, op.ResultWrapper), ':'), out)
			b = append(b, ',')
		}
		b = awsjson.String(append(b, `"ResponseMetadata":{"RequestId":`...), x.request.ID)
		return append(b, "}}}"...)
	}
	b = append(append(append(b, '<'), op.Name...), `Response xmlns="`...)
	b = append(awsquery.Escape(b, op.Service.XMLNamespace), `">`...)
	if op.HasOutput {
		b = awsquery.Close(op.EncodeXML(awsquery.Open(b, op.ResultWrapper), out), op.ResultWrapper)
	}
	b = append(b, "<ResponseMetadata>"...)
	b = awsquery.Text(b, "RequestId", x.request.ID)
	b = append(b, "</ResponseMetadata>"...)
	return awsquery.Close(b, op.Name+"Response")
}

func (x *exchange) queryErrorBody(e *api.Error) []byte {
	kind := "Sender"
	if statusOf(e) >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	if x.takesJSON() {
		b := awsjson.String([]byte(`{"Error":{"Code":`), e.Code)
		b = awsjson.String(append(b, `,"Message":`...), e.Message)
		b = awsjson.String(append(b, `,"Type":`...), kind)
		return append(awsjson.String(append(b, `},"RequestId":`...), x.request.ID), '}')
	}
	namespace := faultNamespace
	if x.binding != nil {
		namespace = x.binding.Service.XMLNamespace
	}
	b := append(awsquery.Escape([]byte(`<ErrorResponse xmlns="`), namespace), `"><Error>`...)
	b = awsquery.Text(awsquery.Text(awsquery.Text(b, "Type", kind), "Code", e.Code), "Message", e.Message)
	b = awsquery.Text(append(b, "</Error>"...), "RequestId", x.request.ID)
	return append(b, "</ErrorResponse>"...)
}
