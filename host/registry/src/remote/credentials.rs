//! Who this is, for registries that ask.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::PathBuf;

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
    let failed = |problem: String| format!("cannot read Docker's credentials for {registry}: {problem}");
    let Some(settings) = docker_settings() else { return Ok(RegistryAuth::Anonymous) };
    let file = match File::open(&settings) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(error) => return Err(failed(format!("{}: {error}", settings.display()))),
    };
    let server = if registry.ends_with("docker.io") { DOCKER_HUB } else { registry };
    match docker_credential::get_credential_from_reader(BufReader::new(file), server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(RegistryAuth::Basic(user, password)),
        Ok(DockerCredential::IdentityToken(_)) => Err(format!(
            "Docker's settings have an identity token for {registry}, which cannot be used here: set {REGISTRY}, {USER} \
             and {PASSWORD}"
        )),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
        Err(error) => Err(failed(format!("{}: {error}", settings.display()))),
    }
}

/// Where Docker keeps its settings; `None` where nobody is at home.
fn docker_settings() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    Some(folder.or_else(|| Some(std::env::home_dir()?.join(".docker")))?.join("config.json"))
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
