// A SAML provider by samlify: it verifies signed requests by HTTP-Redirect, and answers each of
// them at once with one person.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import samlify from 'samlify';

const format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

export class SamlifyProvider {
  entityID = 'urn:example:samlify';
  problems = [];
  #server;
  #provider;
  #service;

  /** Starts a provider with a private key and its certificate, both as PEM. */
  static async start(privateKey, signingCert) {
    const started = new SamlifyProvider();
    started.#server = createServer((request, response) => started.#serve(request, response));
    await new Promise((listening) => started.#server.listen(0, 'localhost', listening));
    try {
      started.#configure(privateKey, signingCert);
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  #configure(privateKey, signingCert) {
    this.origin = `http://localhost:${this.#server.address().port}`;
    samlify.setSchemaValidator({ validate: async () => 'no schema' });
    this.#provider = samlify.IdentityProvider({
      entityID: this.entityID,
      privateKey,
      signingCert,
      wantAuthnRequestsSigned: true,
      requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
      nameIDFormat: [format],
      singleSignOnService: [{ Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${this.origin}/sso` }],
      loginResponseTemplate: {
        context: samlify.SamlLib.defaultLoginResponseTemplate.context,
        attributes: [
          { name: 'mail', valueTag: 'mail', nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string' },
          { name: 'cn', valueTag: 'cn', nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string' },
        ],
      },
    });
  }

  get metadata() {
    return this.#provider.getMetadata();
  }

  /** Takes the metadata of the service provider. */
  trust(metadata) {
    this.#service = samlify.ServiceProvider({ metadata });
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #serve(request, response) {
    try {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(await this.#answer(new URL(request.url, this.origin)));
    } catch (error) {
      this.problems.push(error);
      response.writeHead(500).end();
    }
  }

  /** Returns a page that sends the answer to a request. */
  async #answer({ search, searchParams }) {
    // What is signed is the query as it was sent (SAML Bindings §3.4.4.1).
    const octetString = search.slice(1).replace(/&Signature=.*$/, '');
    const asked = await this.#provider.parseLoginRequest(this.#service, 'redirect', { query: Object.fromEntries(searchParams), octetString });
    const { context, entityEndpoint, relayState } = await this.#provider.createLoginResponse(this.#service, asked, 'post', {}, {
      relayState: searchParams.get('RelayState'),
      customTagReplacement: (template) => ({ context: this.#fill(template, asked.extract.request) }),
    });
    return `<!doctype html><form method="post" action="${entityEndpoint}"><input type="hidden" name="SAMLResponse" value="${context}">
      <input type="hidden" name="RelayState" value="${relayState}"></form><script>document.forms[0].submit()</script>`;
  }

  #fill(template, { id, assertionConsumerServiceUrl: consumer }) {
    const now = new Date();
    const soon = new Date(now.getTime() + 300_000).toISOString();
    const statement = `<saml:AuthnStatement AuthnInstant="${now.toISOString()}" SessionIndex="_1"><saml:AuthnContext><saml:AuthnContextClassRef>` +
      'urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>';
    return samlify.SamlLib.replaceTagsByValue(template.replace('{AuthnStatement}', statement), {
      ID: `_${randomBytes(16).toString('hex')}`, AssertionID: `_${randomBytes(16).toString('hex')}`,
      Issuer: this.entityID, IssueInstant: now.toISOString(), StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success',
      Destination: consumer, SubjectRecipient: consumer, InResponseTo: id, Audience: this.#service.entityMeta.getEntityID(),
      ConditionsNotBefore: now.toISOString(), ConditionsNotOnOrAfter: soon, SubjectConfirmationDataNotOnOrAfter: soon,
      NameIDFormat: format, NameID: 'bob', attrMail: 'bob@firm.example.com', attrCn: 'Bob Bell',
    });
  }
}
