use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a site answers to a path: the whole answer, with its head.
pub type Answer = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// A web site on this machine that answers as it is told, wrong answers too. It ends with the test.
#[derive(Debug)]
pub struct Site {
    /// How its addresses start: scheme, host, port.
    pub address: String,
    /// The certificate of the authority that vouches for it, where it has one.
    pub authority: Option<String>,
}

impl Site {
    /// A site without TLS.
    pub fn plain(answer: Answer) -> Self {
        let (listener, port) = listen();
        serve(listener, move |stream| talk(stream, &answer));
        Self { address: format!("http://127.0.0.1:{port}"), authority: None }
    }

    /// A site with TLS, whose certificate is from an authority that nobody else knows.
    pub fn secure(answer: Answer) -> Self {
        let (listener, port) = listen();
        let (settings, authority) = certified();
        let settings = Arc::new(settings);
        serve(listener, move |stream| {
            if let Ok(connection) = ServerConnection::new(Arc::clone(&settings)) {
                talk(StreamOwned::new(connection, stream), &answer);
            }
        });
        Self { address: format!("https://localhost:{port}"), authority: Some(authority) }
    }
}

/// A whole answer: status, further lines of the head, body.
pub fn answer(status: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn serve(listener: TcpListener, talk: impl Fn(TcpStream) + Send + Sync + 'static) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            talk(stream);
        }
    });
}

/// Reads a request and answers it. Who asks may hang up at any time.
fn talk(mut stream: impl Read + Write, answer: &Answer) {
    let mut line = String::new();
    let mut reader = BufReader::new(&mut stream);
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {}
    let _ = stream.write_all(&answer(&path));
    let _ = stream.flush();
}

/// A certificate for this machine, and that of the authority that it is from.
fn certified() -> (ServerConfig, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    let authority_key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&parameters, &authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (settings, authority.pem())
}
