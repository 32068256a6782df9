// Texts that mean something. Thread side: any.
#pragma once

#include "machine/schema.h"

namespace diatom::machine {

extern const Format kHostName;   // RFC 1123, with a domain or without
extern const Format kHost;       // kHostName or kAddress
extern const Format kUserName;   // what useradd(8) of Debian takes: [a-z_][a-z0-9_-]*[$]?, at most 32 bytes
extern const Format kPath;       // absolute, without "." and ".." and without empty parts
extern const Format kMode;       // "0644"
extern const Format kSize;       // "512m", as Docker counts
extern const Format kDuration;   // "1m30s"
extern const Format kDate;       // "2027-12-31"
extern const Format kAddress;    // IPv4 or IPv6
extern const Format kPrefix;     // an address with the length of its network
extern const Format kRoute;      // kPrefix, or "default"
extern const Format kMac;        // "52:54:00:12:34:56"
extern const Format kSshKey;     // a line of authorized_keys(5)
extern const Format kUrl;        // http, https, data, tftp, s3, gs: what can be fetched is said where it is fetched
extern const Format kReceiver;   // "udp://HOST[:PORT]", tcp, tls: who is told of the log
extern const Format kPem;        // at least one PEM block
extern const Format kSysctl;     // "net.ipv4.ip_forward", a name below /proc/sys
extern const Format kVariable;   // of an environment: not empty, without '=' and NUL
extern const Format kInterface;  // a name of at most 15 bytes, a glob, or "mac=52:54:00:12:34:56"

}  // namespace diatom::machine
