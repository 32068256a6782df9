// A hostile Compose file through every stage that reads no other file.
#include <cstdint>
#include <cstdlib>

#include "compose/expand.h"
#include "compose/interpolate.h"
#include "compose/merge.h"
#include "compose/normalize.h"
#include "compose/paths.h"
#include "document/yaml_reader.h"

namespace {

using namespace diatom;
using namespace diatom::compose;

Result<void> load(std::string_view text) {
    const Environment environment{{"SET", "value"}, {"EMPTY", ""}};
    auto model = Value::map();
    for (auto& document : TRY(read_yaml(text, "fuzz.yaml"))) {
        const auto resets = take_resets(document);
        TRY(interpolate_tree(document, {environment}));
        TRY(expand(document, document_type()));
        auto again = document;
        TRY(expand(again, document_type()));
        if (!(again == document)) std::abort();  // the long form has to be the last one
        for (const auto& path : resets) drop_path(model, path);
        TRY(merge(model, document, &document_type()));
        TRY(merge(model, std::move(document), &document_type()));
        drop_doubles(model, document_type());
    }
    TRY(validate(model, document_type()));
    resolve_paths(model, document_type(), {"/project", "/root"});
    normalize(model, "fuzz", environment);
    TRY(activate_services(model, {}));
    const auto document = TRY(finish(model, document_type()));
    const auto checked = check_consistency(document, {});
    if (!checked && checked.error().what().empty()) std::abort();
    // What is printed reads back, as JSON and as YAML.
    if (!read_yaml(to_json(document, JsonStyle::indented), "json")) std::abort();
    if (!read_yaml(to_yaml(document), "yaml")) std::abort();
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto loaded = load(text); !loaded && loaded.error().what().empty()) std::abort();
    return 0;
}
