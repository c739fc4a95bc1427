import { defineAuth, secret } from '@aws-amplify/backend';
import { preSignUp } from './pre-sign-up/resource';

export const auth = defineAuth({
  loginWith: {
    email: true,
    externalProviders: {
      oidc: [
        {
          name: 'Corporate',
          clientId: secret('CORPORATE_ID'),
          clientSecret: secret('CORPORATE_SECRET'),
          issuerUrl: 'https://login.example.com',
          scopes: ['openid', 'email'],
          endpoints: {
            authorization: 'https://login.example.com/authorize',
            token: 'https://login.example.com/token',
            userInfo: 'https://login.example.com/userinfo',
            jwksUri: 'https://login.example.com/keys',
          },
        },
      ],
      callbackUrls: ['http://localhost:3000/'],
      logoutUrls: ['http://localhost:3000/'],
      domainPrefix: 'shop-gen2',
    },
  },
  userAttributes: { email: { required: true }, 'custom:tier': { dataType: 'String', mutable: true, maxLen: 20 } },
  multifactor: { mode: 'OPTIONAL', totp: true },
  groups: ['admins', 'buyers'],
  triggers: { preSignUp },
});
