//! What fetching from an address and from a registry have in common.

use std::net::IpAddr;
use std::sync::Once;
use std::time::Duration;

/// How long to wait for a connection, and for anything to come over one.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// What servers are told of this program.
pub(super) const AGENT: &str = concat!("archwright/", env!("CARGO_PKG_VERSION"));

/// Runs one exchange to its end.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    static PROVIDER: Once = Once::new();
    // Whoever installed another one before wants that one.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// Whether a host is this machine, where nobody listens on the way.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An error with what caused it: that of a client says little by itself.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
