-- How far the records of a stream have gone to a destination, and which process sends them. A stream is a chain of the
-- audit trail. Two processes with different clocks may both send for a moment: records then arrive
-- twice.
CREATE TABLE deliveries (
  destination {text} NOT NULL,
  stream {text} NOT NULL,
  position {int} NOT NULL,
  owner {text} NOT NULL,
  lease_until {int} NOT NULL,
  PRIMARY KEY (destination, stream)
){clustered};
CREATE INDEX deliveries_by_lease ON deliveries (lease_until);
