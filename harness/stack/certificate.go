package stack

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"deadair/balancer"
	"deadair/fakes/web"
)

// certify writes a certificate that has signed itself where a balancer can read it.
// Balancers read theirs once, so that it can be removed then.
func certify() (files balancer.TLSConfig, remove func(), err error) {
	pair, err := web.SelfSigned()
	if err != nil {
		return files, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return files, nil, fmt.Errorf("write a key: %w", err)
	}
	dir, err := os.MkdirTemp("", "deadair-certificate-")
	if err != nil {
		return files, nil, fmt.Errorf("write a certificate: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) } // what stays is a key that nobody trusts
	files = balancer.TLSConfig{Certificate: filepath.Join(dir, "chain.pem"), Key: filepath.Join(dir, "key.pem")}
	for name, block := range map[string]*pem.Block{
		files.Certificate: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, files.Key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			remove()
			return files, nil, fmt.Errorf("write a certificate: %w", err)
		}
	}
	return files, remove, nil
}
