// The documents that platforms hand over. The first byte chooses the reader, the rest is its document.
#include <algorithm>
#include <cstdlib>

#include "platform/decode.h"
#include "platform/identify.h"
#include "platform/label.h"
#include "platform/openstack.h"
#include "platform/ovf.h"
#include "platform/read.h"
#include "platform/xml.h"

namespace diatom::platform {
namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

void check_keys(const std::vector<std::string>& keys) {
    for (const auto& key : keys)
        check(!key.empty() && key.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos);
}

void fuzz_xml(std::string_view text) {
    if (const auto root = parse_xml(text, "x")) {
        check(!root->name.empty());
        const auto again = parse_xml("<a b=\"" + escape_xml(root->text) + "\"/>", "x");
        check(again.has_value());
    }
}

void fuzz_ovf(std::string_view text) {
    if (const auto made = parse_azure_ovf(text, "x")) check_keys(made->public_keys);
    (void)parse_ovf_properties(text, "x");
}

void fuzz_command_line(std::string_view text) {
    Facts facts;
    facts.command_line = text;
    facts.dmi.product_serial = text;
    facts.labels = {std::string(text)};
    for (const auto& candidate : identify(facts).above) check(!candidate.url.empty());
}

void fuzz_metadata(std::string_view text) {
    if (auto metadata = read_metadata(text, "x")) {
        Instance instance;
        apply_metadata(instance, std::move(*metadata), "x");
        check_keys(instance.public_keys);
    }
}

void fuzz_openstack(std::string_view text) {
    Instance instance;
    if (apply_openstack(instance, text, "x")) {
        check_keys(instance.public_keys);
        check(!instance.metadata.contains("admin_pass"));
    }
    if (const auto documents = openstack_vendor_data(text, "x")) {
        for (const auto& document : *documents) check(!document.bytes.empty());
    }
}

void check_instance(const Result<Instance>& instance) {
    if (!instance) return;
    check_keys(instance->public_keys);
    check(!instance->user_data || !instance->user_data->bytes.empty());
    for (const auto& [name, from] : instance->origins) check(!name.empty() && !from.empty());
    check(parse_json(dump_json(instance->metadata), "x").has_value());
}

void fuzz_encoding(std::string_view text) {
    (void)maybe_base64(std::string(text));
    for (const auto* encoding : {"base64", "gzip+base64"}) (void)decode_as(text, encoding, "x");
    (void)decode_as(text, text, "x");
}

}  // namespace
}  // namespace diatom::platform

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom::platform;
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'x': fuzz_xml(text); break;
        case 'o': fuzz_ovf(text); break;
        case 'c': fuzz_command_line(text); break;
        case 'm': fuzz_metadata(text); break;
        case 's': fuzz_openstack(text); break;
        case 'g': check_instance(decode_gce(std::string(text), "x")); break;
        case 'a': check_instance(decode_azure(std::string(text), "x")); break;
        case 'd': check_instance(decode_digitalocean(std::string(text), "x")); break;
        case 'h': check_instance(decode_hetzner(std::string(text), "x")); break;
        case 'l': (void)file_system_label(text); break;
        default: fuzz_encoding(text); break;
    }
    return 0;
}
