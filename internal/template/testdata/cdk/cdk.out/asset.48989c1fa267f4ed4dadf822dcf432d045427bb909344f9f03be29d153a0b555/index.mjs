// Confirms people of the shop's own company at once.
export const handler = async (event) => {
  const { email = '' } = event.request.userAttributes;
  if (email.endsWith('@blocked.example')) throw new Error(`${process.env.GREETING}: not welcome`);
  event.response.autoConfirmUser = email.endsWith('@shop.example');
  event.response.autoVerifyEmail = event.response.autoConfirmUser;
  return event;
};
