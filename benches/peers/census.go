// The job in Go: encoding/json and crypto/x509, two goroutines that share the files, CSV out.
//
//	census [-map] [-threads 2] INPUT_DIR OUT.csv
//
// Reads every *.ndjson file below a folder and writes one line of 21 columns for each certificate record. With -map
// each goroutine keeps the certificates that it has parsed, by their base64 text. It stops at the first line that it
// cannot read: it is a yardstick, not a scanner.
package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// Bytes of CSV that a goroutine gathers before it takes the lock of the file.
	flushAt = 1 << 20
	// Bytes of the longest line.
	maxLine = 16 << 20
)

var header = []string{
	"client", "location", "store", "has_private_key", "provider", "provider_type", "key_container", "class",
	"sha1", "sha256", "serial", "subject", "issuer", "not_before", "not_after", "key_alg", "key_bits", "sig_alg",
	"san", "eku", "template",
}

type record struct {
	Type          string   `json:"type"`
	Host          string   `json:"host"`
	StoreLocation string   `json:"store_location"`
	Store         string   `json:"store"`
	DER           string   `json:"der"`
	KeyProvInfo   *keyInfo `json:"key_prov_info"`
}

type keyInfo struct {
	Container string `json:"container"`
	Provider  string `json:"provider"`
	ProvType  uint32 `json:"prov_type"`
}

// columns are the 13 that a certificate decides.
type columns [13]string

var (
	oidSAN          = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidUPN          = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
	oidTemplateName = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2}
	oidTemplate     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 21, 7}
)

func main() {
	remember := flag.Bool("map", false, "keep the certificates that were parsed")
	threads := flag.Int("threads", 2, "goroutines, and GOMAXPROCS")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: census [-map] [-threads N] INPUT_DIR OUT.csv")
		os.Exit(2)
	}
	start := time.Now()
	rows, err := census(flag.Arg(0), flag.Arg(1), *threads, *remember)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	seconds := time.Since(start).Seconds()
	fmt.Printf("%d rows in %.3f s with %d goroutines: %.0f rows/s\n", rows, seconds, *threads, float64(rows)/seconds)
}

func census(input, output string, threads int, remember bool) (int, error) {
	runtime.GOMAXPROCS(threads)
	out, err := os.Create(output)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	if _, err := fmt.Fprintln(out, strings.Join(header, ",")); err != nil {
		return 0, err
	}
	paths := make(chan string)
	var walkErr error
	go func() {
		defer close(paths)
		walkErr = filepath.WalkDir(input, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && filepath.Ext(path) == ".ndjson" {
				paths <- path
			}
			return err
		})
	}()
	var lock sync.Mutex
	workers := make([]worker, threads)
	errs := make([]error, threads)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			workers[i] = worker{out: out, lock: &lock}
			workers[i].csv = csv.NewWriter(&workers[i].buffer)
			if remember {
				workers[i].known = make(map[string]*columns)
			}
			errs[i] = workers[i].run(paths)
		})
	}
	group.Wait()
	rows := 0
	for i := range workers {
		rows += workers[i].rows
	}
	return rows, errors.Join(append(errs, walkErr)...)
}

type worker struct {
	out    *os.File
	lock   *sync.Mutex
	buffer bytes.Buffer
	csv    *csv.Writer
	known  map[string]*columns
	rows   int
}

func (w *worker) run(paths <-chan string) error {
	var failed error
	// After a failure the channel is emptied all the same, or the walk would wait for ever.
	for path := range paths {
		if failed == nil {
			failed = w.scan(path)
		}
	}
	return errors.Join(failed, w.flush())
}

func (w *worker) scan(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if r.Type != "certificate" {
			continue
		}
		if err := w.row(&r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return lines.Err()
}

func (w *worker) row(r *record) error {
	c, err := w.certificate(r.DER)
	if err != nil {
		return err
	}
	line := make([]string, 0, len(header))
	line = append(line, r.Host, r.StoreLocation, r.Store)
	if k := r.KeyProvInfo; k == nil {
		line = append(line, "false", "", "", "", "none")
	} else {
		class := "capi"
		if k.ProvType == 0 {
			class = "cng"
		}
		line = append(line, "true", k.Provider, strconv.FormatUint(uint64(k.ProvType), 10), k.Container, class)
	}
	if err := w.csv.Write(append(line, c[:]...)); err != nil {
		return err
	}
	w.rows++
	// The length lags behind by what the CSV writer still holds, which is little.
	if w.buffer.Len() >= flushAt {
		return w.flush()
	}
	return nil
}

func (w *worker) flush() error {
	w.csv.Flush()
	w.lock.Lock()
	defer w.lock.Unlock()
	_, err := w.buffer.WriteTo(w.out)
	return errors.Join(err, w.csv.Error())
}

func (w *worker) certificate(text string) (*columns, error) {
	if c := w.known[text]; c != nil {
		return c, nil
	}
	c, err := parse(text)
	if err == nil && w.known != nil {
		w.known[text] = c
	}
	return c, err
}

func parse(text string) (*columns, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	bits := ""
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		bits = strconv.Itoa(key.N.BitLen())
	case *ecdsa.PublicKey:
		bits = strconv.Itoa(key.Curve.Params().BitSize)
	}
	var names, uses []string
	for _, name := range certificate.DNSNames {
		names = append(names, "dns:"+name)
	}
	for _, address := range certificate.EmailAddresses {
		names = append(names, "email:"+address)
	}
	for _, uri := range certificate.URIs {
		names = append(names, "uri:"+uri.String())
	}
	for _, use := range certificate.ExtKeyUsage {
		uses = append(uses, use.OID().String())
	}
	for _, use := range certificate.UnknownExtKeyUsage {
		uses = append(uses, use.String())
	}
	template := ""
	for _, extension := range certificate.Extensions {
		switch {
		case extension.Id.Equal(oidSAN):
			names = append(names, principals(extension.Value)...)
		case extension.Id.Equal(oidTemplate):
			var value struct {
				ID           asn1.ObjectIdentifier
				Major, Minor int `asn1:"optional"`
			}
			if _, err := asn1.Unmarshal(extension.Value, &value); err == nil {
				template = value.ID.String()
			}
		case extension.Id.Equal(oidTemplateName):
			if _, err := asn1.Unmarshal(extension.Value, &template); err != nil {
				template = ""
			}
		}
	}
	digest1, digest256 := sha1.Sum(der), sha256.Sum256(der)
	return &columns{
		hex.EncodeToString(digest1[:]),
		hex.EncodeToString(digest256[:]),
		hex.EncodeToString(certificate.SerialNumber.Bytes()),
		distinguished(certificate.Subject),
		distinguished(certificate.Issuer),
		certificate.NotBefore.Format(time.RFC3339),
		certificate.NotAfter.Format(time.RFC3339),
		certificate.PublicKeyAlgorithm.String(),
		bits,
		certificate.SignatureAlgorithm.String(),
		strings.Join(names, ";"),
		strings.Join(uses, ";"),
		template,
	}, nil
}

// principals returns the user principal names, which crypto/x509 leaves aside.
func principals(extension []byte) []string {
	var names []asn1.RawValue
	if _, err := asn1.Unmarshal(extension, &names); err != nil {
		return nil
	}
	var found []string
	for _, name := range names {
		if name.Class != asn1.ClassContextSpecific || name.Tag != 0 {
			continue
		}
		var other struct {
			ID    asn1.ObjectIdentifier
			Value string `asn1:"explicit,tag:0,utf8"`
		}
		if _, err := asn1.UnmarshalWithParams(name.FullBytes, &other, "tag:0"); err == nil && other.ID.Equal(oidUPN) {
			found = append(found, oidUPN.String()+":"+other.Value)
		}
	}
	return found
}

var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
	"2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1": "emailAddress",
}

var escapes = strings.NewReplacer(
	`,`, `\,`, `+`, `\+`, `"`, `\"`, `\`, `\\`, `<`, `\<`, `>`, `\>`, `;`, `\;`,
)

// distinguished writes a name most specific part first. Name.String would print domain components as the hex of their
// DER, and all names of Active Directory have some.
func distinguished(name pkix.Name) string {
	var text strings.Builder
	for i := len(name.Names) - 1; i >= 0; i-- {
		attribute := name.Names[i]
		kind := attribute.Type.String()
		if short, ok := attributes[kind]; ok {
			kind = short
		}
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		text.WriteString(kind)
		text.WriteByte('=')
		escapes.WriteString(&text, fmt.Sprint(attribute.Value))
	}
	return text.String()
}
