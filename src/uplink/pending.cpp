#include "uplink/pending.h"

#include <format>

#include "base/strings.h"
#include "document/json_reader.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::uplink {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr mode_t kPrivate = 0600;

// Empty where there is none.
Result<std::string> text_of(const std::string& file) {
    return sys::exists(file) ? sys::read_file(file) : Result<std::string>("");
}

Result<void> put(const std::string& file, const std::string& text) {
    return text.empty() ? sys::remove_file(file) : sys::replace_file(file, text, kPrivate);
}

}  // namespace

Result<void> Pending::begin(std::int64_t seconds) const {
    if (!deadline()) {
        const auto own = TRY(text_of(files_.own()));
        const auto before = own.empty() ? Value() : TRY(read_json(own, files_.own()));
        TRY(sys::make_dirs(files_.run, 0755));
        TRY(sys::replace_file(files_.previous(), TRY(text_of(files_.config())), kPrivate));
        TRY(sys::replace_file(files_.previous() + ".own", own, kPrivate));
        TRY(unconfirmed_.begin(before.at("network")), "keep the network as it was");
    }
    return sys::replace_file(files_.deadline(), std::format("{}\n", sys::boot_ns() + seconds * kSecond), kPrivate);
}

std::optional<std::int64_t> Pending::deadline() const {
    const auto text = sys::read_file(files_.deadline(), 64);
    return text ? parse_int(trim(*text)) : std::nullopt;
}

Result<void> Pending::confirm() const {
    if (!deadline()) return fail(Kind::not_found, "nothing waits to be confirmed");
    TRY(unconfirmed_.confirm());
    return forget();
}

Result<void> Pending::undo() const {
    if (!deadline()) return fail(Kind::not_found, "nothing waits to be confirmed");
    TRY(unconfirmed_.take_back(), "take the network back out of the machine's own file");
    TRY(put(files_.config(), TRY(text_of(files_.previous()))));
    TRY(put(files_.own(), TRY(text_of(files_.previous() + ".own"))));
    return forget();
}

Result<void> Pending::forget() const {
    TRY(sys::remove_file(files_.deadline()));
    TRY(sys::remove_file(files_.previous()));
    return sys::remove_file(files_.previous() + ".own");
}

}  // namespace diatom::uplink
