// The page: Amplify signs people in and gets the credentials of their identity, and the AWS
// SDK's client of S3 uses them at the gateway.

import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, signIn } from 'aws-amplify/auth';

const { region, endpoint, gateway, bucket: Bucket, ...pools } = await (await fetch('/settings.json')).json();

Amplify.configure({ Auth: { Cognito: { ...pools, userPoolEndpoint: endpoint, identityPoolEndpoint: endpoint } } });

const s3 = new S3Client({
  region,
  endpoint: gateway,
  forcePathStyle: true,
  // Asked for again when the credentials expire.
  credentials: async () => (await fetchAuthSession()).credentials,
});

const element = (id) => document.getElementById(id);

/** Runs a handler of a form, and shows its outcome. */
function handle(id, handler) {
  element(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    element('status').textContent = '…';
    try {
      element('status').textContent = await handler(new FormData(event.target, event.submitter), event.submitter.name);
    } catch (error) {
      element('status').textContent = `${error.name}: ${error.message}`;
    }
  });
}

async function showFiles(folder) {
  element('list').replaceChildren();
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: `${folder}/` }));
  for (const { Key } of Contents) {
    const link = document.createElement('a');
    link.textContent = Key.slice(folder.length + 1);
    link.href = '#';
    link.onclick = async () => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      element('status').textContent = await Body.transformToString();
    };
    const item = document.createElement('li');
    item.append(link);
    element('list').append(item);
  }
  return `${Contents.length} files`;
}

handle('sign-in', async (form) => {
  await signIn({ username: form.get('username'), password: form.get('password') });
  const { identityId } = await fetchAuthSession();
  element('identity').textContent = identityId;
  element('folder').elements.folder.value = identityId;
  element('sign-in').hidden = true;
  element('files').hidden = false;
  return showFiles(identityId);
});

handle('folder', async (form, action) => {
  const folder = form.get('folder');
  const file = form.get('file');
  if (action === 'upload') {
    const Body = new Uint8Array(await file.arrayBuffer());
    await s3.send(new PutObjectCommand({ Bucket, Key: `${folder}/${file.name}`, Body, ContentType: file.type }));
  }
  return showFiles(folder);
});
