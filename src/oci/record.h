// What is remembered of a container between two commands. Thread side: any; values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "runtime/spec.h"
#include "sys/process.h"

namespace diatom::oci {

//   creating ──> created ──start──> running ──> stopped
//       └───────────┴──────────────────┴───────────^     paused: running, its cgroup frozen
enum class Status : std::uint8_t { creating, created, running, paused, stopped };
std::string_view to_string(Status status) noexcept;

struct Record {
    runtime::Spec spec;   // with id and bundle; paths absolute
    std::string created;  // RFC 3339
    // As far as the commands know; what has become of the process since then, current_status() says.
    Status status = Status::creating;
    sys::ProcessId process;
};

// All but the spec, which does not change any more once it is made.
Json encode(const Record& record);
Result<Record> decode_record(const Json& document, runtime::Spec spec);

// The answer of `state`: the runtime-spec's members and runc's.
Json state_of(const Record& record, Status status);

}  // namespace diatom::oci
