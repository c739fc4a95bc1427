// Lets the people of an old directory in, with the passwords that they have there.
const old = { olivia: { password: "Old-Passw0rd!", email: "olivia@example.com" } };

export const handler = async (event) => {
  const person = old[event.userName];
  if (!person) throw new Error("No such person");
  if (event.triggerSource === "UserMigration_Authentication" && person.password !== event.request.password) throw new Error("Bad password");
  event.response.userAttributes = { email: person.email, email_verified: "true" };
  event.response.finalUserStatus = "CONFIRMED";
  event.response.messageAction = "SUPPRESS";
  return event;
};
