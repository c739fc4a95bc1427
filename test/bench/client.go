package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// reply is what an operation answered.
type reply struct {
	status   int
	body     []byte
	location string
	cookies  []string // name=value
}

// connection speaks just enough HTTP/1.1 to cost this process next to nothing:
// it shares the cores with the server.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func dial(addr string) (*connection, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, in: bufio.NewReaderSize(c, 8<<10)}, nil
}

// send writes a request that is whole and reads its reply.
func (c *connection) send(request []byte) (reply, error) {
	if _, err := c.Write(request); err != nil {
		return reply{}, err
	}
	r, length := reply{}, -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return reply{}, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			if length < 0 {
				return reply{}, errors.New("a reply without Content-Length")
			}
			r.body = make([]byte, length)
			_, err := io.ReadFull(c.in, r.body)
			return r, err
		case r.status == 0:
			if len(line) < 12 {
				return reply{}, fmt.Errorf("malformed status line %q", line)
			}
			if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return reply{}, err
			}
		case len(line) > 16 && bytes.EqualFold(line[:15], []byte("Content-Length:")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return reply{}, err
			}
		case len(line) > 10 && bytes.EqualFold(line[:9], []byte("Location:")):
			r.location = string(bytes.TrimSpace(line[9:]))
		case len(line) > 12 && bytes.EqualFold(line[:11], []byte("Set-Cookie:")):
			cookie, _, _ := bytes.Cut(bytes.TrimSpace(line[11:]), []byte(";"))
			r.cookies = append(r.cookies, string(cookie))
		}
	}
}

// clients are connections that stay open from one measurement to the next.
type clients struct {
	addr  string
	conns []*connection
}

func (c *clients) close() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// send sends all requests, each client one after the other, and returns the
// replies in the order of the requests. A status of 400 or more is an error.
func (c *clients) send(requests [][]byte, atOnce int) ([]reply, error) {
	for len(c.conns) < atOnce {
		conn, err := dial(c.addr)
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	replies := make([]reply, len(requests))
	errs := make([]error, atOnce)
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range atOnce {
		wg.Go(func() {
			for errs[i] == nil {
				n := int(next.Add(1)) - 1
				if n >= len(requests) {
					return
				}
				r, err := c.conns[i].send(requests[n])
				if err == nil && r.status >= 400 {
					err = fmt.Errorf("status %d: %s", r.status, r.body)
				}
				replies[n], errs[i] = r, err
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		c.close()
		return nil, err
	}
	return replies, nil
}

// request is an unsigned operation as an SDK sends it.
func request(addr, operation string, input any) []byte {
	body, err := json.Marshal(input)
	if err != nil {
		panic(err) // of maps and strings
	}
	var b strings.Builder
	fmt.Fprintf(&b, "POST / HTTP/1.1\r\nHost: %s\r\n"+
		"User-Agent: aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/cognitoidentityprovider#1.61.0\r\n"+
		"Content-Length: %d\r\nAmz-Sdk-Invocation-Id: 00000000-0000-4000-8000-000000000000\r\nAmz-Sdk-Request: attempt=1; max=3\r\n"+
		"Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.%s\r\nAccept-Encoding: gzip\r\n\r\n",
		addr, len(body), operation)
	return append([]byte(b.String()), body...)
}

func decode(r reply, into any) error { return json.Unmarshal(r.body, into) }
