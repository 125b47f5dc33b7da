//! Who this is, for registries that ask.

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

/// Environment variable: the registry that the next two are for, as host or `host:port`.
const REGISTRY: &str = "ARCHWRIGHT_REGISTRY";
/// Environment variable: the name to log in with.
const USER: &str = "ARCHWRIGHT_REGISTRY_USER";
/// Environment variable: the password or token to log in with.
const PASSWORD: &str = "ARCHWRIGHT_REGISTRY_PASSWORD";
/// The name that Docker keeps the credentials of its own registry under.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The credentials for a registry: of the environment, or else those that `docker login` keeps; otherwise none.
pub(super) fn credentials(registry: &str) -> Result<RegistryAuth, String> {
    if let Some(auth) = of_environment(registry)? {
        return Ok(auth);
    }
    let server = if registry.ends_with("docker.io") { DOCKER_HUB } else { registry };
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(RegistryAuth::Basic(user, password)),
        Ok(DockerCredential::IdentityToken(_)) => Err(format!(
            "Docker's settings have an identity token for {registry}, which cannot be used here: set {REGISTRY}, {USER} \
             and {PASSWORD}"
        )),
        Err(CredentialRetrievalError::ConfigNotFound | CredentialRetrievalError::NoCredentialConfigured) => {
            Ok(RegistryAuth::Anonymous)
        }
        Err(error) => Err(format!("cannot read Docker's credentials for {registry}: {error}")),
    }
}

/// They are for one registry alone: a reference in somebody's `plugins.toml` must not have them sent elsewhere.
fn of_environment(registry: &str) -> Result<Option<RegistryAuth>, String> {
    let get = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (get(REGISTRY), get(USER), get(PASSWORD)) {
        (Some(own), Some(user), Some(password)) if own == registry => Ok(Some(RegistryAuth::Basic(user, password))),
        (None, Some(_), _) | (None, _, Some(_)) => {
            Err(format!("{USER} and {PASSWORD} are for one registry: name it with {REGISTRY}, such as `{registry}`"))
        }
        (Some(own), user, password) if own == registry && user.is_some() != password.is_some() => {
            Err(format!("of {USER} and {PASSWORD} only one is set"))
        }
        _ => Ok(None),
    }
}
