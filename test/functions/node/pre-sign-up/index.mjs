// Confirms people of one company at once, and refuses those of another.
export const handler = async (event) => {
  const email = event.request.userAttributes.email ?? "";
  if (email.endsWith("@blocked.example")) throw new Error("This domain may not sign up");
  if (email.endsWith("@example.com")) {
    event.response.autoConfirmUser = true;
    event.response.autoVerifyEmail = true;
  }
  console.log("pre sign-up of", event.userName);
  return event;
};
