// The documents that platforms hand over, read with bounds: metadata, names, keys. Thread side: any; reading files
// blocks. Bytes are untrusted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "document/value.h"
#include "platform/instance.h"

namespace diatom::platform {

// A mapping in YAML or JSON; an empty document is an empty one. `what` names it in errors, which do not quote it.
Result<Json> read_metadata(std::string_view text, const std::string& what);
Json to_metadata(const Value& value);
Result<Json> read_json(std::string_view text, const std::string& what);  // without quoting it in errors

// A member as text: numbers and booleans, too; "" for what is absent or no scalar.
std::string text_at(const Json& object, std::string_view key);
// The first of several names that says something.
std::string text_at(const Json& object, std::initializer_list<std::string_view> keys);

// Keys as every platform writes them: a list, lines of one text, or a mapping to either. What is no key of SSH is left
// out, twice the same is once.
std::vector<std::string> public_keys(const Json& value);
void add_public_keys(std::vector<std::string>& keys, std::string_view lines);

// Where the text is base64 of something it is decoded; otherwise as it is.
std::string maybe_base64(std::string text);
// "", "base64", "b64", "gzip+base64", "gz+b64": the bytes inside.
Result<std::string> decode_as(std::string_view bytes, std::string_view encoding, std::string_view what);

// The keys of NoCloud's, Hetzner's and VMware's metadata.
void apply_metadata(Instance& instance, Json metadata, const std::string& from);

// Sets what is not empty and remembers where it came from.
void set(Instance& instance, std::string Instance::* member, std::string_view name, std::string value,
         const std::string& from);
void set_keys(Instance& instance, std::vector<std::string> keys, const std::string& from);

// The files of a mounted file system; links cannot lead out of it.
class Directory {
public:
    static Result<Directory> open(const std::string& path, std::string name);

    // Nothing where there is no such file.
    Result<std::optional<std::string>> read(const std::string& path) const;
    Result<std::optional<Document>> document(const std::string& path) const;
    // "user-data on cidata": for `why`.
    std::string place(std::string_view path) const;

private:
    Directory(Fd directory, std::string name) : directory_(std::move(directory)), name_(std::move(name)) {}
    Fd directory_;
    std::string name_;
};

}  // namespace diatom::platform
