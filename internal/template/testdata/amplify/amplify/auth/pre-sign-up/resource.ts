import { defineFunction } from '@aws-amplify/backend';

export const preSignUp = defineFunction({ name: 'pre-sign-up', entry: './handler.ts', environment: { GREETING: 'hello' } });
