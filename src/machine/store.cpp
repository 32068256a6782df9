#include "machine/store.h"

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "document/yaml_reader.h"
#include "machine/check.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::machine {
namespace {

constexpr mode_t kPrivate = 0600;
constexpr std::string_view kBy = "# until ";  // the first line of a revision: "# until TIME: WHY"

std::optional<unsigned> number_of(std::string_view name) {
    if (!name.ends_with(".yml")) return std::nullopt;
    const auto number = parse_uint(name.substr(0, name.size() - 4));
    return number && *number <= 999'999 ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

Result<std::vector<unsigned>> numbers_in(const std::string& directory) {
    std::vector<unsigned> numbers;
    if (!sys::exists(directory)) return numbers;
    for (const auto& name : TRY(sys::list_dir(directory))) {
        if (const auto number = number_of(name)) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

}  // namespace

Result<Value> read_document(std::string_view text, const std::string& file) {
    auto documents = TRY(read_yaml(text, file));
    if (documents.size() > 1)
        return documents[1].error("", "a second document in one file: what it says would be lost");
    return documents.empty() ? Value::map() : std::move(documents.front());
}

Result<Value> Store::own() const {
    if (!sys::exists(file())) return Value::map();
    return read_document(TRY(sys::read_file(file(), kMaxDocument + 1)), file());
}

Result<void> Store::write(const Value& document, std::string_view why) const {
    TRY(require_valid(document));
    TRY(sys::make_dirs(directory_ + "/history", 0700));
    const auto old = sys::exists(file()) ? TRY(sys::read_file(file())) : std::string();
    TRY(remember(old, why), "keep the configuration as it was");
    return sys::write_file_atomic(file(), document.members().empty() ? "{}\n" : to_yaml(document), kPrivate);
}

Result<void> Store::remember(std::string_view old, std::string_view why) const {
    auto numbers = TRY(numbers_in(directory_ + "/history"));
    const unsigned next = numbers.empty() ? 1 : numbers.back() + 1;
    const auto text = std::format("{}{}: {}\n{}", kBy, sys::format_rfc3339(sys::wall_ns()), why, old);
    TRY(sys::write_file_atomic(revision_file(next), text, kPrivate));
    for (std::size_t i = 0; i + kKept <= numbers.size(); ++i) TRY(sys::remove_file(revision_file(numbers[i])));
    return {};
}

std::string Store::revision_file(unsigned number) const {
    return std::format("{}/history/{:06}.yml", directory_, number);
}

Result<std::vector<Revision>> Store::history() const {
    std::vector<Revision> revisions;
    for (const auto number : TRY(numbers_in(directory_ + "/history"))) {
        const auto text = TRY(sys::read_file(revision_file(number)));
        std::string_view line(text);
        line = line.substr(0, line.find('\n'));
        Revision revision{.number = number, .at = {}, .why = {}};
        if (line.starts_with(kBy)) {
            line.remove_prefix(kBy.size());
            const auto end = std::min(line.find(": "), line.size());
            revision.at = line.substr(0, end);
            revision.why = line.substr(std::min(end + 2, line.size()));
        }
        revisions.push_back(std::move(revision));
    }
    std::ranges::reverse(revisions);
    return revisions;
}

Result<Value> Store::revision(unsigned number) const {
    const auto file = revision_file(number);
    if (!sys::exists(file)) return fail(Kind::not_found, "no revision {}: see `diatom config history`", number);
    return read_document(TRY(sys::read_file(file)), file);
}

}  // namespace diatom::machine
