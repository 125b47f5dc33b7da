//! Components at addresses.

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

use super::client::{AGENT, PATIENCE, block_on, chain, is_loopback};
use crate::RegistryError;

/// Most addresses that lead from one to the next.
const REDIRECTS: usize = 5;

/// Fetches at most `limit` bytes.
pub(super) fn fetch(url: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
    let failed = |problem: String| RegistryError::Fetch { url: url.to_owned(), problem };
    let parsed = Url::parse(url).map_err(|error| failed(format!("it is no address: {error}")))?;
    refuse_open(&parsed).map_err(|problem| failed(problem.into()))?;
    let fetched = block_on(body(parsed, limit)).map_err(|error| failed(format!("cannot fetch: {error}")))?;
    fetched.map_err(failed)
}

async fn body(url: Url, limit: u64) -> Result<Vec<u8>, String> {
    let mut client = Client::builder()
        .user_agent(AGENT)
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .redirect(Policy::custom(follow));
    if url.host_str().is_some_and(is_loopback) {
        client = client.no_proxy();
    }
    let client = client.build().map_err(|error| chain(&error))?;
    let mut response = client.get(url).send().await.map_err(|error| chain(&error.without_url()))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the server answered {status}"));
    }
    let too_large = || format!("it is larger than {limit} bytes, the most that a component has");
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let cut_off = |error: reqwest::Error| format!("it is cut off: {}", chain(&error.without_url()));
    while let Some(chunk) = response.chunk().await.map_err(cut_off)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let problem = match refuse_open(attempt.url()) {
        Err(problem) => format!("it leads to {}: {problem}", attempt.url()),
        Ok(()) if attempt.previous().len() > REDIRECTS => format!("it leads on more than {REDIRECTS} times"),
        // Somebody else's address must not reach into this machine.
        Ok(()) if is_local(attempt.url()) && !attempt.previous().iter().all(is_local) => {
            format!("it leads to {}, on this machine", attempt.url())
        }
        Ok(()) => return attempt.follow(),
    };
    attempt.error(problem)
}

fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// Refuses addresses where somebody on the way could change what comes.
fn refuse_open(url: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_local(url) => Ok(()),
        "http" => Err("plugins come over https:// alone, from other machines than this one"),
        _ => Err("a plugin's address starts with https://"),
    }
}
