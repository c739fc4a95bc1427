import { defineBackend } from '@aws-amplify/backend';
import { auth } from './auth/resource';

// A backend of Amplify Gen 2. `npx ampx sandbox` writes its templates to .amplify/artifacts/cdk.out.
defineBackend({ auth });
