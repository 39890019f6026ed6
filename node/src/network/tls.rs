//! How the lane's ends are set up: sockets, certificates, and who is behind a connection.
//!
//! The certificates are libp2p's: self-signed, with an extension in which the device's key signs the
//! certificate's. Configurations are made once (one to accept with, one for each device that is dialled) and
//! kept, because making one draws a key. Nothing of a session outlives it: no tickets, no key log.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use libp2p::identity::Keypair;
use quinn::{
    Connection, ConnectionError, Endpoint, EndpointConfig, TokioRuntime, TransportConfig, TransportErrorCode,
    VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
    rustls::{self, pki_types::CertificateDer},
};

use super::{
    device::{Device, device_of, peer_of},
    error::NetworkError,
    limits::{
        LANE_HANDSHAKES_MAX, LANE_IDLE_MS, LANE_KEEP_ALIVE_MS, LANE_STREAM_WINDOW_BYTES, LANE_WINDOW_BYTES,
        REQUESTS_PER_DEVICE_MAX,
    },
};

/// What the lane calls itself in TLS, so that no other QUIC service is mistaken for it.
const ALPN: &[u8] = b"souk/1";
/// quinn wants a server's name; the certificate is checked by key, not by name.
pub(crate) const SERVER_NAME: &str = "souk";
/// The TLS alert by which a verifier says "this is not who I asked for".
const ALERT_ACCESS_DENIED: u8 = 49;
/// The device whose certificate was checked in this connection's handshake.
pub(crate) fn device_behind(connection: &Connection) -> Option<Device> {
    let chain = connection
        .peer_identity()?
        .downcast::<Vec<CertificateDer<'static>>>()
        .ok()?;
    let certificate = libp2p_tls::certificate::parse(chain.first()?).ok()?;
    device_of(&certificate.peer_id())
}

/// Whether somebody else answered than the one who was dialled.
pub(crate) fn is_wrong_peer(error: &ConnectionError) -> bool {
    let refused = TransportErrorCode::crypto(ALERT_ACCESS_DENIED);
    matches!(error, ConnectionError::TransportError(error) if error.code == refused)
}

/// Binds a lane's socket.
pub(crate) fn bind(addr: SocketAddr, server: quinn::ServerConfig) -> std::io::Result<Endpoint> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(addr), socket2::Type::DGRAM, None)?;
    if addr.is_ipv6() {
        // Else it would take the port from IPv4 too.
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    let mut config = EndpointConfig::default();
    config.supported_versions(vec![1]);
    Endpoint::new(config, Some(server), socket.into(), Arc::new(TokioRuntime))
}

/// Limits and timers of every lane connection.
pub(crate) fn transport_config() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(REQUESTS_PER_DEVICE_MAX as u32))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(LANE_STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(LANE_WINDOW_BYTES))
        .keep_alive_interval(Some(Duration::from_millis(LANE_KEEP_ALIVE_MS)))
        .max_idle_timeout(VarInt::try_from(LANE_IDLE_MS).ok().map(Into::into));
    config
}

/// How to accept.
pub(crate) fn server_config(
    keypair: &Keypair,
    transport: Arc<TransportConfig>,
) -> Result<quinn::ServerConfig, NetworkError> {
    let failed = |reason: String| NetworkError::Setup {
        what: "the lane's TLS",
        reason,
    };
    let mut tls = libp2p_tls::make_server_config(keypair).map_err(|error| failed(error.to_string()))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.key_log = Arc::new(rustls::NoKeyLog);
    tls.send_tls13_tickets = 0;
    let tls = QuicServerConfig::try_from(tls).map_err(|error| failed(error.to_string()))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(transport)
        .max_incoming(2 * LANE_HANDSHAKES_MAX);
    Ok(config)
}

/// How to dial this device; none if its key is none.
pub(crate) fn client_config(
    keypair: &Keypair,
    device: &Device,
    transport: Arc<TransportConfig>,
) -> Option<quinn::ClientConfig> {
    let mut tls = libp2p_tls::make_client_config(keypair, Some(peer_of(device)?)).ok()?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.key_log = Arc::new(rustls::NoKeyLog);
    tls.resumption = rustls::client::Resumption::disabled();
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).ok()?));
    config.transport_config(transport);
    Some(config)
}
