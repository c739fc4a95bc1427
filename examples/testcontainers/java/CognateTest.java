package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.utility.MountableFile;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cognitoidentityprovider.CognitoIdentityProviderClient;
import software.amazon.awssdk.services.cognitoidentityprovider.model.AuthFlowType;

/** Starts Cognate in a container, for tests of an application in Java. */
@Testcontainers
class CognateTest {
  /** The issuer of the tokens. Its port is that of the container, whichever port of this machine leads to it. */
  static final String ISSUER = "http://localhost:9229/us-east-1_shop1";

  @Container
  static final GenericContainer<?> COGNATE =
      new GenericContainer<>("cognate")
          .withCommand("dev", "--expose", "--listen", ":9229", "--issuer-base", "http://localhost:9229", "--seed", "/seed.yaml")
          .withCopyFileToContainer(MountableFile.forHostPath("../seed.yaml", 0444), "/seed.yaml")
          .withExposedPorts(9229)
          .waitingFor(Wait.forHttp("/_cognate/health").forPort(9229));

  static String endpoint() {
    return "http://" + COGNATE.getHost() + ":" + COGNATE.getMappedPort(9229);
  }

  @Test
  void acceptsTheAccessTokenOfAUserOfTheSeed() {
    try (CognitoIdentityProviderClient users =
        CognitoIdentityProviderClient.builder()
            .endpointOverride(URI.create(endpoint()))
            .region(Region.US_EAST_1)
            .credentialsProvider(AnonymousCredentialsProvider.create())
            .build()) {
      String token =
          users
              .initiateAuth(
                  request ->
                      request
                          .clientId("shopweb")
                          .authFlow(AuthFlowType.USER_PASSWORD_AUTH)
                          .authParameters(Map.of("USERNAME", "ann", "PASSWORD", "Correct-horse-1")))
              .authenticationResult()
              .accessToken();
      NimbusJwtDecoder decoder = NimbusJwtDecoder.withJwkSetUri(endpoint() + "/us-east-1_shop1/.well-known/jwks.json").build();
      decoder.setJwtValidator(JwtValidators.createDefaultWithIssuer(ISSUER));
      Jwt claims = decoder.decode(token);
      assertEquals("ann", claims.getClaimAsString("username"));
    }
  }
}
