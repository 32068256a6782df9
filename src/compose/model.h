// One merged document out of several files, with `extends` and `include` resolved. Thread side: any; reads files.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "compose/interpolate.h"
#include "compose/merge.h"
#include "document/value.h"

namespace diatom::compose {

struct ModelSource {
    std::vector<std::string> files;  // absolute, or "-"
    std::string directory;           // absolute: relative paths begin here
    Environment environment;
};

class ModelLoader {
public:
    using Input = std::function<Result<std::string>()>;

    ModelLoader(bool interpolate, Input input) : input_(std::move(input)), interpolate_(interpolate) {}

    // Expanded, merged and valid, its paths absolute, the defaults of the long forms put in.
    Result<Value> load(const ModelSource& source);

    // The last top-level `name`, interpolated; "" where no file has one.
    Result<std::string> find_name(const ModelSource& source);

    // Names of variables that were used and not set.
    const std::set<std::string, std::less<>>& unset() const noexcept { return unset_; }

private:
    struct Place {
        std::string file, directory;
        const Environment& environment;
    };
    struct Link {
        std::string file, service;
        bool operator==(const Link&) const = default;
    };

    Result<std::vector<Value>> read(const std::string& file);
    Result<void> prepare(Value& document, const Environment& environment);
    Result<void> add_document(Value& model, Value document, const Place& place);

    Result<void> apply_extends(Value& services, const Place& place, const std::vector<KeyPath>& resets);
    Result<void> extend(Value& services, const std::string& name, const Place& place,
                        const std::vector<KeyPath>& resets, std::vector<Link> chain);
    Result<Value> extended_base(Value& services, const Value& extends, const std::string& path, const Place& place,
                                const std::vector<Link>& chain);

    Result<void> apply_includes(Value& document, const Place& place);
    Result<Value> load_include(const Value& include, const Place& place);

    Input input_;
    std::set<std::string, std::less<>> unset_;
    std::vector<std::string> including_;  // files that are being read, outermost first
    std::string input_text_;
    bool interpolate_, input_read_ = false;
};

// Environment variables of files, each on top of the earlier ones, `outer` on top of all.
Result<Environment> read_env_files(const std::vector<std::string>& files, const Environment& outer);

}  // namespace diatom::compose
