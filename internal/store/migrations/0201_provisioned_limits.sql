-- The limits of request rates that UpdateProvisionedLimit set, in requests a second, by category.
CREATE TABLE provisioned_limits (
  category {text} NOT NULL,
  value {int} NOT NULL,
  updated_at {int} NOT NULL,
  PRIMARY KEY (category)
){clustered};
