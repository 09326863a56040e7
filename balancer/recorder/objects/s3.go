package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// S3Config says where a store is. All fields but Region and Deadline are needed.
type S3Config struct {
	Endpoint string // its URL, such as https://s3.eu-west-1.amazonaws.com
	Bucket   string
	Region   string // "us-east-1"
	Key      string // who signs
	Secret   string
	Deadline time.Duration // of one request; 30s
	// Dial reaches it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Wall stamps signatures.
	Wall func() time.Time
}

// NewS3 makes a client of an S3 store. It connects to nobody yet.
func NewS3(cfg S3Config) Store {
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Deadline == 0 {
		cfg.Deadline = 30 * time.Second
	}
	transport := &http.Transport{DialContext: cfg.Dial, DisableCompression: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: 10 * time.Second}
	return &s3Store{bucket: &cfg.Bucket, deadline: cfg.Deadline, client: s3.New(s3.Options{
		BaseEndpoint: &cfg.Endpoint, Region: cfg.Region, UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(cfg.Key, cfg.Secret, ""),
		HTTPClient:                 &http.Client{Transport: transport},
		Retryer:                    aws.NopRetryer{},
		HTTPSignerV4:               signer{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), cfg.Wall},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, // what others that speak S3 understand
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})}
}

// signer signs by this host's clock, right or wrong, rather than by one that the client
// has set by the store's answers.
type signer struct {
	*v4.Signer
	wall func() time.Time
}

// SignHTTP implements s3.HTTPSignerV4.
func (s signer) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions)) error {
	return s.Signer.SignHTTP(ctx, c, r, hash, service, region, s.wall(), opts...)
}

type s3Store struct {
	client   *s3.Client
	bucket   *string
	deadline time.Duration
}

func (s *s3Store) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.deadline)
}

func (s *s3Store) Get(ctx context.Context, key string) ([]byte, Info, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: s.bucket, Key: &key})
	if err != nil {
		return nil, Info{}, told("get", key, err)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxSmall+1))
	if err == nil && len(data) > maxSmall {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, Info{}, told("get", key, err)
	}
	return data, infoOf(out.ETag, out.ContentLength, out.Metadata), nil
}

func (s *s3Store) Range(ctx context.Context, key, tag string, from, n int64) ([]byte, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: s.bucket, Key: &key, IfMatch: &tag, Range: aws.String(fmt.Sprintf("bytes=%d-%d", from, from+min(n, maxSmall)-1))})
	if err != nil {
		return nil, told("read", key, err)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxSmall))
	return data, told("read", key, err)
}

func (s *s3Store) Head(ctx context.Context, key string) (Info, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.bucket, Key: &key})
	if err != nil {
		return Info{}, told("head", key, err)
	}
	return infoOf(out.ETag, out.ContentLength, out.Metadata), nil
}

func infoOf(tag *string, size *int64, meta map[string]string) Info {
	i := Info{Tag: aws.ToString(tag), Size: aws.ToInt64(size), Meta: map[string]string{}}
	for name, value := range meta {
		i.Meta[strings.ToLower(name)] = value
	}
	return i
}

// conditions are a condition's headers.
func (c Condition) conditions() (absent, match *string) {
	if c.Absent {
		absent = aws.String("*")
	}
	if c.Tag != "" {
		match = &c.Tag
	}
	return absent, match
}

func (s *s3Store) Put(ctx context.Context, key string, body []byte, c Condition) (string, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	absent, match := c.conditions()
	out, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: s.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"), IfNoneMatch: absent, IfMatch: match,
	})
	if err != nil {
		return "", told("put", key, err)
	}
	return aws.ToString(out.ETag), nil
}

func (s *s3Store) Begin(ctx context.Context, key, contentType string, meta map[string]string) (string, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: s.bucket, Key: &key, ContentType: &contentType, Metadata: meta})
	if err != nil {
		return "", told("begin", key, err)
	}
	return aws.ToString(out.UploadId), nil
}

func (s *s3Store) Part(ctx context.Context, key, upload string, number int, body []byte) (string, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: s.bucket, Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(number)), Body: bytes.NewReader(body),
	})
	if err != nil {
		return "", told("upload part of", key, err)
	}
	return aws.ToString(out.ETag), nil
}

func (s *s3Store) Complete(ctx context.Context, key, upload string, tags []string, c Condition) error {
	ctx, stop := s.limit(ctx)
	defer stop()
	var parts []types.CompletedPart
	for i, tag := range tags {
		parts = append(parts, types.CompletedPart{ETag: aws.String(tag), PartNumber: aws.Int32(int32(i + 1))})
	}
	absent, match := c.conditions()
	_, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: s.bucket, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, IfNoneMatch: absent, IfMatch: match,
	})
	return told("complete", key, err)
}

func (s *s3Store) Abort(ctx context.Context, key, upload string) error {
	ctx, stop := s.limit(ctx)
	defer stop()
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: s.bucket, Key: &key, UploadId: &upload})
	return told("abort", key, err)
}

func (s *s3Store) Uploads(ctx context.Context, key string) ([]string, error) {
	ctx, stop := s.limit(ctx)
	defer stop()
	out, err := s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: s.bucket, Prefix: &key})
	if err != nil {
		return nil, told("list uploads of", key, err)
	}
	var ids []string
	for _, u := range out.Uploads {
		if aws.ToString(u.Key) == key {
			ids = append(ids, aws.ToString(u.UploadId))
		}
	}
	return ids, nil
}

// told makes an error of what a store answered, if it is one.
func told(what, key string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchKey", "NotFound":
			err = ErrNotFound
		case "PreconditionFailed", "ConditionalRequestConflict":
			err = ErrChanged
		case "NoSuchUpload", "InvalidPart":
			err = ErrNoUpload
		}
	}
	return fmt.Errorf("%s %s: %w", what, key, err)
}
