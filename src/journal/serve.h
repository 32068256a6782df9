// The system container `log`: collects, and keeps a process for each receiver. Thread side: the main thread.
#pragma once

#include "base/error.h"
#include "journal/collector.h"

namespace diatom::journal {

inline constexpr const char* kSyslogSocket = "/run/diatom/log.sock";
inline constexpr const char* kSyslogLink = "/dev/log";  // where syslog(3) looks

// Until SIGTERM; what is there then is kept.
Result<void> serve(CollectorOptions options);

}  // namespace diatom::journal
