//! The egress guard: alerts may go to model servers inside, and nowhere else.
//!
//! Alerts hold secrets, names and addresses. A mistyped host, a changed DNS record or a redirect
//! must not carry them out. So the check is made where the connection is: names are looked up
//! here, the addresses are checked, and exactly those addresses are connected to, which leaves no
//! moment in between for the record to change.
//!
//! Promises: no connection to an address that isn't loopback, private, CGNAT, unique-local or
//! link-local, unless the configuration names the host; no redirect is followed, no proxy used.
//! Leaves to others: deadlines of a whole call, and what a server inside does with what it reads
//! (`backend` refuses models that it only relays).

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::ask::{AskError, tame};

/// Addresses of cloud metadata services that lie in ranges which are otherwise inside. They hand
/// out credentials to whoever asks, and no model server ever has one. (Those in 169.254.0.0/16
/// are outside as it is.)
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)),
];

/// A bundle of private authorities is a few kB; the whole public list is about 250 kB.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// A daemon talks to few servers, each with few calls at once.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// Why a backend could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address of the backend can't be used.
    #[error("could not use the address `{url}`: {why}")]
    Url {
        /// The address, tamed.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file of extra certificate authorities can't be used.
    #[error("could not read certificate authorities from `{}`: {why}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key of the backend can't be sent.
    #[error("could not use the key of backend `{backend}`: it has characters that no header holds")]
    Key {
        /// The backend's name.
        backend: String,
    },
    /// The HTTP client can't be built.
    #[error("could not build the HTTP client: {0}")]
    Client(String),
}

/// What may be reached.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// Hosts that may have an outside address, because a person said so. Compared without case.
    pub allowed_hosts: Vec<String>,
    /// A PEM file of certificate authorities to trust beside those of the system.
    pub extra_authorities: Option<PathBuf>,
}

impl Egress {
    /// Checks an address before a request.
    ///
    /// Names are checked when they are resolved; a literal address never reaches the resolver, so
    /// it is checked here. (The URL parser has already turned `0x7f.1` and the like into one.)
    pub fn check_url(&self, url: &Url) -> Result<(), AskError> {
        let host = url.host_str().unwrap_or_default();
        let refuse = |address: String| AskError::EgressRefused { host: tame(host), address };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("{}:", url.scheme())));
        }
        if host.is_empty() {
            return Err(refuse(String::new()));
        }
        let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match literal.unwrap_or(host).parse::<IpAddr>() {
            Ok(ip) if !is_inside(ip) && !self.is_allowed(host) => Err(refuse(ip.to_string())),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Tells whether the configuration names a host as allowed.
    pub fn is_allowed(&self, host: &str) -> bool {
        let plain = |host: &str| {
            let host = host.trim_end_matches('.');
            let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.unwrap_or(host).to_ascii_lowercase()
        };
        let host = plain(host);
        self.allowed_hosts.iter().any(|allowed| plain(allowed) == host)
    }

    /// Decides on what a name resolved to: all of it, or none.
    ///
    /// One outside address among inside ones refuses the lookup, because it is either an attack
    /// (rebinding) or a mistake that a person should see.
    fn admit(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
        let outside = found.iter().find(|address| !is_inside(address.ip()));
        match outside {
            Some(address) if !self.is_allowed(host) => {
                Err(Refusal { host: host.to_owned(), address: address.ip() })
            }
            Some(_) | None => Ok(found),
        }
    }
}

/// Tells whether an address is one that alerts may be sent to.
///
/// This is a list of what is inside, so that whatever nobody thought of (translation prefixes,
/// tunnels, documentation, multicast) is outside. `0.0.0.0` is outside although Linux takes it for
/// loopback, and link-local IPv4 is, because cloud metadata services live there.
pub fn is_inside(ip: IpAddr) -> bool {
    if METADATA.contains(&ip) {
        return false;
    }
    match ip {
        IpAddr::V4(ip) => is_inside_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_inside(IpAddr::V4(mapped)),
            None => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
    }
}

fn is_inside_v4(ip: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is carrier-grade NAT, which Tailscale uses for its overlay.
    let [first, second, ..] = ip.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    ip.is_loopback() || ip.is_private() || is_shared
}

/// What the resolver answers instead of outside addresses; it travels inside the client's error.
#[derive(Debug, Clone)]
struct Refusal {
    host: String,
    address: IpAddr,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` resolves to the outside address {}", self.host, self.address)
    }
}

impl std::error::Error for Refusal {}

/// Finds the guard's refusal in a client's error.
pub(crate) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<AskError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(AskError::EgressRefused {
                host: tame(&refusal.host),
                address: refusal.address.to_string(),
            });
        }
        cause = error.source();
    }
    None
}

/// Looks names up and lets only checked addresses through to the connection.
struct GuardedResolver {
    egress: Egress,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.egress.clone();
        Box::pin(async move {
            // The client puts the port of the URL in the place of port 0.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let admitted = egress.admit(name.as_str(), found)?;
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// Builds the only kind of HTTP client that may carry alerts.
///
/// A machine without any system authorities (a bare container) still gets a client: plain HTTP to
/// loopback needs none, and HTTPS then trusts the extra authorities alone.
pub fn client(egress: &Egress, connect_timeout: Duration) -> Result<reqwest::Client, SetupError> {
    install_crypto();
    let authorities = match &egress.extra_authorities {
        Some(path) => read_authorities(path)?,
        None => Vec::new(),
    };
    let guarded = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(GuardedResolver { egress: egress.clone() })
            .connect_timeout(connect_timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .user_agent(concat!("quell/", env!("CARGO_PKG_VERSION")))
    };
    guarded()
        .tls_certs_merge(authorities.clone())
        .build()
        .or_else(|_| guarded().tls_certs_only(authorities).build())
        .map_err(|error| SetupError::Client(innermost(&error)))
}

/// Gives the innermost message of an error, which is the one that says why.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    tame(&last.to_string())
}

/// Finds what TLS failed of among the causes of an error, if it did.
///
/// An I/O error hides the error that it carries from the chain of causes, so it is asked for it.
pub(crate) fn tls_failure<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        let carried = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let carried = carried.map(|inner| inner as &'a (dyn std::error::Error + 'static));
        let found = cause.downcast_ref().or_else(|| carried.and_then(|inner| inner.downcast_ref()));
        if found.is_some() {
            return found;
        }
        next = carried.or_else(|| cause.source());
    }
    None
}

/// Makes `ring` the provider of cryptography for the process, once.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only if another thread was first, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

fn read_authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, SetupError> {
    let bad = |why: String| SetupError::Authorities { path: path.to_owned(), why };
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(CA_BYTES_MAX + 1).read_to_end(&mut pem))
        .map_err(|error| bad(error.to_string()))?;
    if pem.len() as u64 > CA_BYTES_MAX {
        return Err(bad(format!("it is larger than {CA_BYTES_MAX} bytes")));
    }
    let found =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| bad(innermost(&error)))?;
    if found.is_empty() {
        return Err(bad("it holds no PEM certificate".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(address: &str) -> bool {
        is_inside(address.parse().unwrap())
    }

    fn egress(allowed: &[&str]) -> Egress {
        Egress {
            allowed_hosts: allowed.iter().map(|&host| host.to_owned()).collect(),
            ..Egress::default()
        }
    }

    fn found(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
    }

    #[test]
    fn loopback_private_overlay_and_link_local_addresses_are_inside() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.168.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fd7a:115c:a1e0::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:100.64.0.1",
        ] {
            assert!(inside(address), "{address}");
        }
    }

    #[test]
    fn everything_else_is_outside() {
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "255.255.255.255",
            "224.0.0.1",
            "239.1.1.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "192.0.0.192",
            "192.88.99.1",
            "240.0.0.1",
            "168.63.129.16",
            "100.100.100.200",
            "::",
            "2606:4700::1111",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::10.0.0.1",
            "2002:0a00:0001::1",
            "2001::1",
            "::127.0.0.1",
            "fec0::1",
            "fbff::1",
            "fe00::1",
            "5f00::1",
            "100::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:8.8.8.8",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::ffff:100.100.100.200",
        ] {
            assert!(!inside(address), "{address}");
        }
    }

    #[test]
    fn a_name_that_resolves_outside_is_refused_whole() {
        let guard = egress(&[]);
        assert_eq!(guard.admit("llm.lan", found(&["10.0.0.5", "::1"])).unwrap().len(), 2);
        let refused = guard.admit("llm.lan", found(&["10.0.0.5", "93.184.216.34"])).unwrap_err();
        assert_eq!(refused.to_string(), "`llm.lan` resolves to the outside address 93.184.216.34");
    }

    #[tokio::test]
    async fn the_resolver_of_the_client_refuses_outside_addresses() {
        // A numeric name is resolved without any packet, and literal hosts never come this way.
        let resolver = GuardedResolver { egress: egress(&[]) };
        let outside = resolver.resolve("93.184.216.34".parse().unwrap()).await;
        assert!(outside.err().unwrap().downcast_ref::<Refusal>().is_some());
        let inside = resolver.resolve("10.1.2.3".parse().unwrap()).await;
        assert_eq!(inside.ok().unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_refused_lookup_is_told_from_a_failed_one() {
        struct Rebound;
        impl Resolve for Rebound {
            fn resolve(&self, name: Name) -> Resolving {
                let refused = egress(&[]).admit(name.as_str(), found(&["93.184.216.34"]));
                Box::pin(async move { Ok(Box::new(refused?.into_iter()) as Addrs) })
            }
        }
        install_crypto();
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Rebound).build().unwrap();
        let error = client.get("http://llm.lan/").send().await.unwrap_err();
        let expected =
            AskError::EgressRefused { host: "llm.lan".into(), address: "93.184.216.34".into() };
        assert_eq!(refusal(&error), Some(expected));
    }

    #[test]
    fn a_host_that_a_person_allowed_may_be_outside() {
        let guard = egress(&["API.Example.", "8.8.8.8", "2606:4700::1111"]);
        assert!(guard.admit("api.example", found(&["93.184.216.34"])).is_ok());
        assert!(guard.admit("other.example", found(&["93.184.216.34"])).is_err());
        for url in ["http://8.8.8.8/", "http://[2606:4700::1111]:80/"] {
            assert_eq!(guard.check_url(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
    }

    #[test]
    fn literal_addresses_are_checked_in_every_spelling() {
        let guard = egress(&[]);
        let check = |url: &str| guard.check_url(&Url::parse(url).unwrap());
        for url in ["http://127.0.0.1:11434/", "https://[::1]/", "http://0x7f.1/", "http://name/"] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for url in [
            "http://8.8.8.8/",
            "http://134744072/",
            "http://0x08080808/",
            "http://010.8.8.8/",
            "http://[::ffff:8.8.8.8]/",
            "http://0/",
            "http://[::]/",
            "ftp://127.0.0.1/",
            "file:///etc/hostname",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            assert!(matches!(check(url), Err(AskError::EgressRefused { .. })), "{url}");
        }
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_refused() {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let guard = Egress { extra_authorities: Some(path), ..Egress::default() };
        let error = client(&guard, Duration::from_secs(1)).unwrap_err().to_string();
        assert!(error.ends_with("Cargo.toml`: it holds no PEM certificate"), "{error}");
    }

    #[test]
    fn a_client_can_be_built_twice_in_one_process() {
        assert!(client(&Egress::default(), Duration::from_secs(1)).is_ok());
        assert!(client(&Egress::default(), Duration::from_secs(1)).is_ok());
    }
}
