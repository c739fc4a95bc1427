package sink

// AwaitGone waits until a syslog's connection was closed by its receiver.
func AwaitGone(s Sink) {
	if s := s.(*syslog); s.gone != nil {
		<-s.gone
	}
}
