// A line of any of the machine's logs as a record. Thread side: any; pure parsers that take whatever stands in a file:
// what cannot be decoded becomes a record with the raw text.
#pragma once

#include <optional>
#include <string_view>

#include "journal/record.h"

namespace diatom::journal {

// What the clocks say, so that a time on one can be told on the other.
struct Clocks {
    std::int64_t wall = 0, boot = 0;  // ns, at the same instant
    static Clocks now();
};

struct KernelLine {
    Record record;
    std::uint64_t sequence = 0;
};
// "6,339,5140900,-;message\n KEY=value" of /dev/kmsg; nothing for anything else.
// Source: Documentation/ABI/testing/dev-kmsg of Linux 6.12.
std::optional<KernelLine> parse_kernel_line(std::string_view bytes, const Clocks& clocks);

// A line of sys/log.h's file. `unit`: whose, where it does not say.
Record parse_own_line(std::string_view line, std::string_view unit, const Clocks& clocks);

// A line of Docker's json-file format; the unit is its attribute "tag", or what is given. "<4>" at the beginning of the
// text is its priority, as systemd's sd-daemon(3) has it.
Record parse_container_line(std::string_view line, std::string_view unit, const Clocks& clocks);

inline constexpr const char* kSyslogUnit = "syslog";

// What syslog(3) and its relatives send: RFC 3164 as programs write it ("<30>Nov 23 10:56:26 sshd[7]: text", with or
// without the time), or RFC 5424. `clocks`: when it came, which is its time.
Record parse_syslog(std::string_view datagram, const Clocks& clocks);

}  // namespace diatom::journal
