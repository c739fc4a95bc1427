# A shop's identity: people, their groups and sign-in pages, the company's own provider, and roles
# for what people may do with the shop's store. The same files work with AWS: without the endpoints.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0"
    }
  }
}

variable "endpoint" {
  description = "The server's address."
  default     = "http://localhost:9229"
}

variable "shop" {
  description = "The name in all names."
  default     = "shop"
}

variable "strict" {
  description = "Longer passwords, shorter sessions, no guests."
  type        = bool
  default     = false
}

# The provider's settings of a development server; see docs/iam.md for production.
provider "aws" {
  region     = "us-east-1"
  access_key = "dev"
  secret_key = "dev"
  endpoints {
    cognitoidp      = var.endpoint
    cognitoidentity = var.endpoint
    iam             = var.endpoint
    sts             = var.endpoint
  }
}

resource "aws_cognito_user_pool" "people" {
  name                     = var.shop
  auto_verified_attributes = ["email"]
  alias_attributes         = ["email"]
  mfa_configuration        = "OPTIONAL"
  software_token_mfa_configuration {
    enabled = true
  }
  password_policy {
    minimum_length                   = var.strict ? 14 : 10
    require_lowercase                = true
    require_numbers                  = true
    require_symbols                  = false
    require_uppercase                = false
    temporary_password_validity_days = 3
  }
  schema {
    name                = "department"
    attribute_data_type = "String"
    mutable             = true
    string_attribute_constraints {
      min_length = 1
      max_length = 64
    }
  }
  tags = { shop = var.shop }
}

resource "aws_cognito_user_pool_domain" "pages" {
  domain       = var.shop
  user_pool_id = aws_cognito_user_pool.people.id
}

resource "aws_cognito_resource_server" "orders" {
  identifier   = "https://orders.example.com"
  name         = "orders"
  user_pool_id = aws_cognito_user_pool.people.id
  scope {
    scope_name        = "read"
    scope_description = "Read orders"
  }
}

resource "aws_cognito_identity_provider" "company" {
  user_pool_id  = aws_cognito_user_pool.people.id
  provider_name = "Company"
  provider_type = "OIDC"
  provider_details = {
    client_id                     = "shop"
    client_secret                 = "of the company"
    attributes_request_method     = "GET"
    attributes_url_add_attributes = "false"
    oidc_issuer                   = "https://login.example.com"
    authorize_scopes              = "openid email"
    authorize_url                 = "https://login.example.com/authorize"
    token_url                     = "https://login.example.com/token"
    attributes_url                = "https://login.example.com/userinfo"
    jwks_uri                      = "https://login.example.com/jwks"
  }
  attribute_mapping = { email = "email", username = "sub" }
}

resource "aws_cognito_user_pool_client" "web" {
  name                                 = "web"
  user_pool_id                         = aws_cognito_user_pool.people.id
  explicit_auth_flows                  = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email"]
  callback_urls                        = var.strict ? ["https://shop.example.com/callback"] : ["https://shop.example.com/callback", "https://old.shop.example.com/callback"]
  supported_identity_providers         = ["COGNITO", aws_cognito_identity_provider.company.provider_name]
}

resource "aws_cognito_user_pool_client" "machine" {
  name                                 = "machine"
  user_pool_id                         = aws_cognito_user_pool.people.id
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = aws_cognito_resource_server.orders.scope_identifiers
}

resource "aws_cognito_user_group" "staff" {
  name         = "staff"
  user_pool_id = aws_cognito_user_pool.people.id
  role_arn     = aws_iam_role.staff.arn
  precedence   = var.strict ? 2 : 1
}

resource "aws_cognito_user" "ada" {
  user_pool_id = aws_cognito_user_pool.people.id
  username     = "ada"
  attributes   = { email = "ada@example.com", email_verified = "true" }
}

resource "aws_cognito_user_in_group" "ada" {
  user_pool_id = aws_cognito_user_pool.people.id
  group_name   = aws_cognito_user_group.staff.name
  username     = aws_cognito_user.ada.username
}

resource "aws_iam_openid_connect_provider" "partner" {
  url             = "https://partner.example.com"
  client_id_list  = var.strict ? ["shop-strict"] : ["shop"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
}

resource "aws_cognito_identity_pool" "people" {
  identity_pool_name               = var.shop
  allow_unauthenticated_identities = !var.strict
  openid_connect_provider_arns     = [aws_iam_openid_connect_provider.partner.arn]
  cognito_identity_providers {
    client_id               = aws_cognito_user_pool_client.web.id
    provider_name           = "cognito-idp.us-east-1.amazonaws.com/${aws_cognito_user_pool.people.id}"
    server_side_token_check = true
  }
}

resource "aws_cognito_identity_pool_provider_principal_tag" "people" {
  identity_pool_id       = aws_cognito_identity_pool.people.id
  identity_provider_name = "cognito-idp.us-east-1.amazonaws.com/${aws_cognito_user_pool.people.id}"
  principal_tags         = var.strict ? { department = "custom:department", name = "sub" } : { department = "custom:department" }
}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["authenticated", "unauthenticated"])
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    principals {
      type        = "Federated"
      identifiers = ["cognito-identity.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "cognito-identity.amazonaws.com:aud"
      values   = [aws_cognito_identity_pool.people.id]
    }
    condition {
      test     = "ForAnyValue:StringLike"
      variable = "cognito-identity.amazonaws.com:amr"
      values   = [each.value]
    }
  }
}

resource "aws_iam_role" "people" {
  name               = "${var.shop}-people"
  assume_role_policy = data.aws_iam_policy_document.trust["authenticated"].json
}

resource "aws_iam_role" "staff" {
  name                 = "${var.shop}-staff"
  path                 = "/${var.shop}/"
  assume_role_policy   = data.aws_iam_policy_document.trust["authenticated"].json
  max_session_duration = var.strict ? 3600 : 7200
  tags                 = { shop = var.shop }
}

resource "aws_iam_role" "guests" {
  name               = "${var.shop}-guests"
  assume_role_policy = data.aws_iam_policy_document.trust["unauthenticated"].json
}

resource "aws_iam_policy" "catalogue" {
  name = "${var.shop}-catalogue"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${var.shop}/catalogue/${var.strict ? "public/" : ""}*" }]
  })
}

resource "aws_iam_role_policy_attachment" "catalogue" {
  for_each   = { people = aws_iam_role.people.name, guests = aws_iam_role.guests.name }
  role       = each.value
  policy_arn = aws_iam_policy.catalogue.arn
}

resource "aws_iam_role_policy_attachment" "staff" {
  role       = aws_iam_role.staff.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_role_policy" "own" {
  name = "own-folder"
  role = aws_iam_role.people.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = var.strict ? ["s3:GetObject"] : ["s3:GetObject", "s3:PutObject"]
      Resource = "arn:aws:s3:::${var.shop}/people/$${cognito-identity.amazonaws.com:sub}/*"
    }]
  })
}

resource "aws_cognito_identity_pool_roles_attachment" "people" {
  identity_pool_id = aws_cognito_identity_pool.people.id
  roles = {
    authenticated   = aws_iam_role.people.arn
    unauthenticated = aws_iam_role.guests.arn
  }
  role_mapping {
    identity_provider         = "cognito-idp.us-east-1.amazonaws.com/${aws_cognito_user_pool.people.id}:${aws_cognito_user_pool_client.web.id}"
    ambiguous_role_resolution = var.strict ? "Deny" : "AuthenticatedRole"
    type                      = "Token"
  }
}

output "user_pool" { value = aws_cognito_user_pool.people.id }

output "identity_pool" { value = aws_cognito_identity_pool.people.id }
