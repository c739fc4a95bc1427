// Words the messages of sign-up and invitation; leaves the others as they are.
export const handler = async (event) => {
  const { codeParameter, usernameParameter, clientMetadata } = event.request;
  switch (event.triggerSource) {
    case "CustomMessage_SignUp":
    case "CustomMessage_ResendCode":
      event.response.emailSubject = "Welcome to Example";
      event.response.emailMessage = `<p>${clientMetadata?.language === "de" ? "Ihr Code" : "Your code"}: ${codeParameter}</p>`;
      event.response.smsMessage = `Example: ${codeParameter}`;
      break;
    case "CustomMessage_AdminCreateUser":
      event.response.emailSubject = "You are invited";
      event.response.emailMessage = `<p>${usernameParameter}, your first password is ${codeParameter}</p>`;
      event.response.smsMessage = `${usernameParameter}: ${codeParameter}`;
  }
  return event;
};
