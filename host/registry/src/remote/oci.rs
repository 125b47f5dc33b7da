//! Plugins in OCI registries, in the form of the CNCF's "Wasm OCI artifact": one layer, the component.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use archwright_plugin::{Component, Interface};
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{OciImageManifest, OciManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde_json::json;
use tokio::io::AsyncWrite;

use super::Fetched;
use super::client::{AGENT, PATIENCE, block_on, chain, is_loopback};
use super::credentials::credentials;
use crate::{Digest, RegistryError};

const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";

/// A plugin that was published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Under which reference, with its tag.
    pub reference: String,
    /// The reference that always stands for exactly this: with the digest of the manifest.
    pub exact: String,
    /// The component's digest.
    pub digest: Digest,
    /// The component's size in bytes.
    pub size: u64,
}

/// One registry, for one reference.
struct Registry {
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
}

impl Registry {
    fn new(reference: &str, insecure: bool) -> Result<Self, String> {
        let reference: Reference = reference.parse().map_err(|error| {
            format!("it is no reference such as `registry.example/repository:tag`: {}", chain(&error))
        })?;
        let host = reference.resolve_registry().to_owned();
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let plain = insecure || is_loopback(name);
        let auth = credentials(&host)?;
        let protocol = if plain { ClientProtocol::HttpsExcept(vec![host]) } else { ClientProtocol::Https };
        let config = ClientConfig {
            protocol,
            read_timeout: Some(PATIENCE),
            connect_timeout: Some(PATIENCE),
            user_agent: AGENT,
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| chain(&error))?;
        Ok(Self { client, auth, reference })
    }

    /// Refuses to put a component in the place of another one: whoever names a version means the one that was there first.
    async fn refuse_another(&self, layer: &str) -> Result<(), String> {
        let Ok((OciManifest::Image(there), _)) = self.client.pull_manifest(&self.reference, &self.auth).await else {
            return Ok(());
        };
        match there.layers.as_slice() {
            [one] if one.digest == layer => Ok(()),
            _ => Err(
                "another component is published under this version: raise the plugin's version, or name a tag that \
                      may move, such as `:latest`"
                    .into(),
            ),
        }
    }

    /// The reference with a digest for its tag.
    fn exact(&self, digest: &str) -> String {
        format!("{}/{}@{digest}", self.reference.registry(), self.reference.repository())
    }
}

/// Brings the component that a reference stands for, of at most `limit` bytes. Digests of the registry are checked.
pub(super) fn pull(reference: &str, insecure: bool, limit: u64) -> Result<Fetched, RegistryError> {
    exchange(reference, async {
        let registry = Registry::new(reference, insecure)?;
        let Registry { client, auth, reference } = &registry;
        let (manifest, digest) = client.pull_manifest(reference, auth).await.map_err(|error| said(&error))?;
        let OciManifest::Image(manifest) = manifest else {
            return Err("it is an index of artifacts, not a plugin".into());
        };
        let layer = match manifest.layers.as_slice() {
            [layer] if layer.media_type == LAYER_TYPE => layer,
            layers => {
                let types: Vec<_> = layers.iter().map(|layer| layer.media_type.as_str()).collect();
                let found = if types.is_empty() { "none".to_owned() } else { types.join(", ") };
                return Err(format!(
                    "it is no plugin, which has one layer of type {LAYER_TYPE}: its layers are {found}"
                ));
            }
        };
        let mut bytes = Bounded { bytes: Vec::new(), limit };
        if u64::try_from(layer.size).is_ok_and(|size| size > limit) {
            return Err(too_large(limit));
        }
        // By its digest alone: a manifest can name other places to fetch from.
        client.pull_blob(reference, layer.digest.as_str(), &mut bytes).await.map_err(|error| said(&error))?;
        Ok(Fetched { bytes: bytes.bytes, resolved: Some(registry.exact(&digest)) })
    })
}

/// Publishes a component. The same component makes the same artifact each time.
pub(super) fn publish(
    bytes: Vec<u8>,
    component: &Component,
    license: Option<String>,
    reference: &str,
    insecure: bool,
) -> Result<Published, RegistryError> {
    let description = component.description();
    let interface = Interface::read(component.name(), &bytes)?;
    let tagged = with_tag(reference, &description.version);
    let digest = Digest::of(&bytes);
    let size = bytes.len() as u64;
    exchange(&tagged, async {
        let registry = Registry::new(&tagged, insecure)?;
        let Registry { client, auth, reference } = &registry;
        if reference.digest().is_some() {
            return Err("a digest comes of what is published: give a tag, or neither".into());
        }
        let layer = ImageLayer::new(bytes, LAYER_TYPE.into(), None);
        if reference.tag() == Some(&tag_of(&description.version)) {
            registry.refuse_another(&layer.sha256_digest()).await?;
        }
        let config = Config::new(config(&layer, &interface).into_bytes(), CONFIG_TYPE.into(), None);
        let named = |name: &str, value: &str| (format!("org.opencontainers.image.{name}"), value.to_owned());
        let mut annotations = BTreeMap::from([
            named("title", &description.name),
            named("version", &description.version),
            named("description", &description.summary),
        ]);
        annotations.extend(license.map(|license| named("licenses", &license)));
        let layers = [layer];
        let manifest = OciImageManifest::build(&layers, &config, Some(annotations));
        client.push(reference, &layers, config, auth, Some(manifest)).await.map_err(|error| said(&error))?;
        let manifest = client.fetch_manifest_digest(reference, auth).await.map_err(|error| said(&error))?;
        Ok(Published { reference: reference.to_string(), exact: registry.exact(&manifest), digest, size })
    })
}

/// A reference without tag and digest with the version as its tag, in which `+` cannot stand.
fn with_tag(reference: &str, version: &str) -> String {
    if has_tag(reference) { reference.to_owned() } else { format!("{reference}:{}", tag_of(version)) }
}

fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// Whether a reference ends in a tag or a digest.
fn has_tag(reference: &str) -> bool {
    reference.rsplit('/').next().unwrap_or(reference).contains([':', '@'])
}

/// What the artifact says of the component. There is no clock in it.
fn config(layer: &ImageLayer, Interface { imports, exports, .. }: &Interface) -> String {
    json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer.sha256_digest()],
        "component": { "exports": exports, "imports": imports, "target": null },
    })
    .to_string()
}

fn exchange<T>(reference: &str, work: impl Future<Output = Result<T, String>>) -> Result<T, RegistryError> {
    let failed = |problem: String| RegistryError::Oci {
        reference: reference.to_owned(),
        help: help(reference, &problem),
        problem,
    };
    block_on(work).map_err(|error| failed(error.to_string()))?.map_err(failed)
}

/// What a registry said, in few words.
fn said(error: &OciDistributionError) -> String {
    match error {
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::AuthenticationFailure(_)
        | OciDistributionError::ServerError { code: 401 | 403, .. } => UNAUTHORIZED.into(),
        OciDistributionError::RegistryError { envelope, .. }
            if envelope
                .errors
                .iter()
                .any(|error| matches!(error.code, OciErrorCode::Unauthorized | OciErrorCode::Denied)) =>
        {
            UNAUTHORIZED.into()
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            let errors: Vec<_> =
                envelope.errors.iter().map(|error| format!("{:?}: {}", error.code, error.message)).collect();
            format!("the registry answered {}", errors.join("; "))
        }
        OciDistributionError::ServerError { code, message, .. } => format!("the registry answered {code}: {message}"),
        other => chain(other),
    }
}

const UNAUTHORIZED: &str = "the registry wants to know who this is, and does not let this in";

fn help(reference: &str, problem: &str) -> Option<String> {
    if problem == UNAUTHORIZED {
        let help = "log in with `docker login`, or set ARCHWRIGHT_REGISTRY, ARCHWRIGHT_REGISTRY_USER and \
                    ARCHWRIGHT_REGISTRY_PASSWORD";
        return Some(help.into());
    }
    let untold = problem.contains("ManifestUnknown") && !has_tag(reference);
    untold.then(|| format!("without a tag `latest` is meant; name a version, such as `{reference}:0.1.0`"))
}

fn too_large(limit: u64) -> String {
    format!("it is larger than {limit} bytes, the most that a component has")
}

/// Takes bytes up to a limit, whatever the registry said that there are.
struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        if (self.bytes.len() + bytes.len()) as u64 > self.limit {
            return Poll::Ready(Err(std::io::Error::other(too_large(self.limit))));
        }
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
