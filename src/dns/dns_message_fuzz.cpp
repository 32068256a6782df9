// Whatever a container sends as a query, and a server as an answer, is decoded or refused.
#include <cstddef>
#include <cstdint>

#include "dns/message.h"
#include "dns/zone.h"

namespace {

using namespace diatom::dns;

// What a server answers, to a query of ours.
void read_answer(std::string_view bytes) {
    static const Query kAsked = *parse_query(
        std::string_view("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03web\x00\x00\x01\x00\x01", 21));
    if (bytes.size() < 2 || !answers(bytes, id_of(bytes), kAsked)) return;
    std::string mine(bytes);
    set_id(mine, kAsked.id);
    if (code_of(mine) != code_of(bytes) || !answers(mine, kAsked.id, kAsked)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_answer(bytes);
    const auto query = parse_query(bytes);
    if (!query) return 0;
    if (query->name.size() > 254 || !bytes.substr(12).starts_with(query->question)) __builtin_trap();

    auto zone = std::make_shared<Zone>();
    zone->put("id", {"db", "web"}, {{.family = Address::Family::v4, .bytes = {172, 18, 0, 2}}});
    zone->set_ranges({{.base = {.family = Address::Family::v4, .bytes = {172, 18}}, .prefix = 16}});
    const View view{.networks = {{.network = "net", .zone = zone}}, .links = {{"alias", "db"}}};
    Answer answer;
    if (decide(view, *query, answer) != Decision::answer) return 0;
    for (const std::size_t limit : {kMinLimit, kMaxMessage}) {
        const auto encoded = encode(*query, answer, limit);
        // What we say must be an answer to what we were asked, and fit.
        if (encoded.size() > limit || !answers(encoded, query->id, *query)) __builtin_trap();
    }
    return 0;
}
