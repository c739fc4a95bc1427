-- What templates have made. A stack is what one template has made: owner is the server that changes it now, and beat changes
-- while that server lives. The body of a resource is sealed, because properties may be secrets.
CREATE TABLE template_stacks (
  stack {text} NOT NULL,
  owner {text} NOT NULL,
  beat {int} NOT NULL,
  PRIMARY KEY (stack)
){clustered};
CREATE TABLE template_resources (
  stack {text} NOT NULL,
  id {text} NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (stack, id)
){clustered};
