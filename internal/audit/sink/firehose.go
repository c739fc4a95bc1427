package sink

import (
	"context"
	"fmt"
)

// Limits of PutRecordBatch (Amazon Data Firehose: PutRecordBatch). The limit of 4 MiB counts the records as they are, and the
// request has them in base64.
const (
	maxStreamRecords = 500
	maxStreamBytes   = 4 << 20
	streamAttempts   = 3
)

// A deliveryStream takes each record, with a line break, as a record of a stream of Amazon Data Firehose.
type deliveryStream struct {
	*Remote

	name string
}

type streamRecord struct {
	Data []byte
}

// DeliveryStream returns a Firehose stream as a sink.
func (r *Remote) DeliveryStream(name string) Sink { return &deliveryStream{Remote: r, name: name} }

// Batch implements Sink.
func (d *deliveryStream) Batch() Batch {
	return Batch{Records: maxStreamRecords, Bytes: maxStreamBytes / 2}
}

// Send implements Sink. Firehose may take a part of a batch. The rest is sent again, at once and then by the caller with
// the whole batch.
func (d *deliveryStream) Send(ctx context.Context, records []Record) error {
	left := make([]streamRecord, len(records))
	for i, r := range records {
		left[i].Data = append(append(make([]byte, 0, len(r.Body)+1), r.Body...), '\n')
	}
	code := ""
	for range streamAttempts {
		var out struct {
			FailedPutCount   int
			RequestResponses []struct{ ErrorCode string }
		}
		in := map[string]any{"DeliveryStreamName": d.name, "Records": left}
		if _, err := d.call(ctx, "Firehose", "Firehose_20150804.PutRecordBatch", in, &out); err != nil {
			return err
		}
		if out.FailedPutCount == 0 {
			return nil
		}
		if len(out.RequestResponses) != len(left) {
			break
		}
		var failed []streamRecord
		for i, r := range out.RequestResponses {
			if r.ErrorCode != "" {
				failed, code = append(failed, left[i]), r.ErrorCode
			}
		}
		if len(failed) == 0 {
			break
		}
		left = failed
	}
	return fmt.Errorf("the stream refused %d records %q", len(left), code)
}

// Close implements Sink.
func (d *deliveryStream) Close() error {
	d.client.CloseIdleConnections()
	return nil
}
