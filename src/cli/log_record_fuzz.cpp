// Lines of every log that `diatom logs` reads: none of them is lost, and each can be told as text and as JSON. The
// first byte of an input says whose line it is: k (the kernel's), c (a container's) or any other (our own).
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "cli/log_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    if (size == 0) return 0;
    const std::string_view line(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::optional<cli::LogRecord> record;
    if (data[0] == 'k') record = cli::parse_kernel_record(line, 1'700'000'000'000'000'000);
    else if (data[0] == 'c') record = cli::parse_container_line(line, "web");
    else record = cli::parse_own_line(line, "init");
    if (!record && data[0] != 'k') std::abort();
    if (!record) return 0;
    if (cli::format_short(*record).empty()) std::abort();
    const auto json = parse_json(cli::format_json(*record), "record");
    if (!json || !json->is_object()) std::abort();
    return 0;
}
