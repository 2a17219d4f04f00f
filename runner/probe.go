package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// finding is what one probe learned about its target.
type finding int

const (
	blocked finding = iota // nothing came back, or only a refusal
	reached                // there is a way out
	unclear                // the probe itself failed, so nothing was learned
)

// probe is one way that a closed network must not offer.
type probe struct {
	scheme string
	target netip.AddrPort
}

func (p probe) String() string { return p.scheme + "://" + p.target.String() }

// parseProbe reads tcp://IP:PORT or dns://IP:PORT. Names are refused, because
// looking one up is itself traffic, and fails for the wrong reason in a closed
// network.
func parseProbe(text string) (probe, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "tcp" && scheme != "dns" {
		return probe{}, fmt.Errorf("must begin with tcp:// or dns://, not %q", text)
	}
	target, err := netip.ParseAddrPort(rest)
	if err != nil || target.Addr().Zone() != "" {
		return probe{}, fmt.Errorf("must be %s://IP:PORT with a literal address (IPv6 in brackets, no zone), not %q", scheme, text)
	}
	if target.Port() == 0 || target.Addr().IsUnspecified() || target.Addr().IsMulticast() {
		return probe{}, fmt.Errorf("must name one host and a port, not %q", text)
	}
	return probe{scheme, target}, nil
}

// try tests the target once, for at most timeout. The error explains an unclear
// finding.
func (p probe) try(ctx context.Context, timeout time.Duration) (finding, error) {
	if p.scheme == "tcp" {
		return judge(connect(ctx, p.target, timeout))
	}
	overTCP := make(chan error, 1)
	go func() { overTCP <- connect(ctx, p.target, timeout) }()
	udp, udpErr := judge(ask(ctx, p.target, timeout))
	tcp, tcpErr := judge(<-overTCP)
	// The values are in the order of gravity, except that a way out outweighs a
	// probe that failed.
	if udp == reached || tcp == reached {
		return reached, nil
	}
	return max(udp, tcp), errors.Join(udpErr, tcpErr)
}

// connect succeeds when the connection is established.
func connect(ctx context.Context, target netip.AddrPort, timeout time.Duration) error {
	dialer := net.Dialer{Timeout: timeout, KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", target.String())
	if err != nil {
		return err
	}
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	return nil
}

// Two questions that a name server can answer without asking another one: the
// name that every cluster's DNS holds, and a request of a kind (STATUS, RFC
// 1035 section 4.1.1) that servers reject at once. Any answer will do.
var questions = [][]byte{
	[]byte("\xc2\xd1\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" +
		"\x0akubernetes\x07default\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"),
	[]byte("\xc2\xd2\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
}

// sends is how often the questions are repeated: a lost datagram must not look
// like a closed network.
const sends = 3

// ask succeeds when any datagram comes back from the target.
func ask(ctx context.Context, target netip.AddrPort, timeout time.Duration) error {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(target))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for range sends {
		if err = exchange(conn, timeout/sends); !isTimeout(err) {
			return err
		}
	}
	return err
}

func exchange(conn *net.UDPConn, wait time.Duration) error {
	for _, question := range questions {
		if _, err := conn.Write(question); err != nil {
			return err
		}
	}
	conn.SetReadDeadline(time.Now().Add(wait))
	_, err := conn.Read(make([]byte, 512))
	return err
}

// denials are the errors with which a closed network answers: a reset or an
// ICMP message sent by a policy engine, a missing route, or a hook in the
// kernel. Anything else (no descriptors left, no memory) says nothing about the
// network and must not pass for isolation.
var denials = []error{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ETIMEDOUT,
	syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN,
	syscall.EPERM, syscall.EACCES, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT,
	syscall.EPROTONOSUPPORT, syscall.ENOPROTOOPT, syscall.ENONET,
}

func judge(err error) (finding, error) {
	if err == nil {
		return reached, nil
	}
	if isTimeout(err) {
		return blocked, nil
	}
	for _, denial := range denials {
		if errors.Is(err, denial) {
			return blocked, nil
		}
	}
	return unclear, err
}

func isTimeout(err error) bool {
	var failure net.Error
	return errors.As(err, &failure) && failure.Timeout()
}
