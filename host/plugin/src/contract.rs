//! Which versions of the contract this host works with. `docs/contract-versions.md` says what may differ between them.

use semver::Version;

use crate::PluginError;
use crate::inspect::NAME_BYTES;
use crate::model::Kind;
use crate::text::shown;

/// The version of `wit/` that this host is built with.
pub const CONTRACT: Version = Version::new(0, 1, 1);

pub(crate) const PACKAGE: &str = "archwright:nas/";

/// Interface and version of a name in this contract's package.
pub(crate) fn ours(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_prefix(PACKAGE)?;
    Some(name.split_once('@').unwrap_or((name, "")))
}

/// The kind of plugin that exports an interface of this contract.
pub(crate) fn kind_of(interface: &str) -> Option<Kind> {
    match interface {
        "strategy" => Some(Kind::Strategy),
        "estimator" => Some(Kind::Estimator),
        "search-space" => Some(Kind::SearchSpace),
        _ => None,
    }
}

/// The name of an interface of this contract, without a version.
pub(crate) fn named(interface: &str) -> String {
    format!("{PACKAGE}{interface}")
}

/// The name of an interface of this contract at a version.
pub(crate) fn versioned(interface: &str, version: &Version) -> String {
    format!("{PACKAGE}{interface}@{version}")
}

/// The version in the name of an import or export, where this host works with it: one of the same track that is not newer.
pub(crate) fn check(file: &str, name: &str, version: &str) -> Result<Version, PluginError> {
    let refuse = |problem: String| {
        let name = shown(name, NAME_BYTES);
        Err(PluginError::Load { file: file.into(), problem: format!("it is built for `{name}`: {problem}") })
    };
    let Ok(built_for) = Version::parse(version) else {
        return refuse(format!("the name lacks the version of the contract; this host has version {CONTRACT}"));
    };
    match mend(&CONTRACT, &built_for) {
        None => Ok(built_for),
        Some(mend) => refuse(format!("this host has version {CONTRACT} of the contract, which {mend}")),
    }
}

/// Why a host with version `host` cannot run what was built for another version, and what to do; `None` where it can.
fn mend(host: &Version, built_for: &Version) -> Option<String> {
    let track = |version: &Version| (version.major, if version.major > 0 { 0 } else { version.minor });
    let newer = built_for > host;
    if track(built_for) != track(host) {
        return Some(if newer {
            format!("has changed incompatibly by version {built_for}: use a newer archwright")
        } else {
            format!("has changed incompatibly since version {built_for}: build the plugin anew for {host}")
        });
    }
    if !built_for.pre.is_empty() {
        return Some(format!("is not the draft {built_for}: build the plugin for a version that was published"));
    }
    newer.then(|| {
        format!(
            "lacks what was added up to version {built_for}: use a newer archwright, or build the plugin for {host}"
        )
    })
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::mend;

    #[test]
    fn a_host_runs_what_is_not_newer_on_its_track() {
        let version = |text: &str| Version::parse(text).unwrap_or(Version::new(9, 9, 9));
        let problem = |host: &str, built_for: &str| mend(&version(host), &version(built_for));
        for (host, built_for) in [("0.1.0", "0.1.0"), ("0.1.3", "0.1.0"), ("1.4.0", "1.0.7"), ("0.1.3", "0.1.2+local")]
        {
            assert_eq!(problem(host, built_for), None, "{host} {built_for}");
        }
        for (host, built_for, said) in [
            ("0.1.3", "0.1.4", "use a newer archwright, or build the plugin for 0.1.3"),
            ("1.4.0", "1.5.0", "use a newer archwright, or build the plugin for 1.4.0"),
            ("0.1.3", "0.2.0", "use a newer archwright"),
            ("0.2.0", "0.1.9", "build the plugin anew for 0.2.0"),
            ("1.0.0", "0.9.0", "build the plugin anew for 1.0.0"),
            ("0.1.3", "0.1.3-draft", "draft"),
            ("0.1.3", "0.1.4-draft", "draft"),
        ] {
            let problem = problem(host, built_for).unwrap_or_default();
            assert!(problem.contains(said) && problem.contains(built_for), "{host} {built_for}: {problem}");
        }
    }
}
