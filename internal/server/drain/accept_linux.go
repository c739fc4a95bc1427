package drain

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// acceptWaiting accepts the connections that wait. It does not wait for others.
func acceptWaiting(l *net.TCPListener) []*os.File {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil
	}
	var files []*os.File
	_ = raw.Control(func(fd uintptr) {
		for {
			conn, _, err := syscall.Accept4(int(fd), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
			switch {
			case err == nil:
				files = append(files, os.NewFile(uintptr(conn), "connection"))
			case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ECONNABORTED):
			default: // EAGAIN: none is left
				return
			}
		}
	})
	return files
}
