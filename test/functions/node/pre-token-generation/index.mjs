// Event version V2_0: a claim in both tokens and a scope in the access token.
export const handler = async (event) => {
  event.response = {
    claimsAndScopeOverrideDetails: {
      idTokenGeneration: { claimsToAddOrOverride: { tenant: "acme" } },
      accessTokenGeneration: { claimsToAddOrOverride: { tenant: "acme", limits: { seats: 5 } }, scopesToAdd: ["reports/read"] },
    },
  };
  return event;
};
