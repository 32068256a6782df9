#include "document/yaml_documents.h"

#include <yaml-cpp/eventhandler.h>

#include <sstream>

namespace diatom {
namespace {

// Hears where documents begin and keeps nothing else.
class Beginnings : public YAML::EventHandler {
public:
    const YAML::Mark& last() const noexcept { return last_; }

private:
    void OnDocumentStart(const YAML::Mark& mark) override { last_ = mark; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}

    YAML::Mark last_ = YAML::Mark::null_mark();
};

// yaml-cpp 0.8 takes a comma at the start of a document for an empty document, again and again without end.
Result<void> check_beginnings(const std::string& text, const std::string& file, std::size_t most) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Beginnings beginnings;
    int before = -1;
    for (std::size_t count = 1; parser.HandleNextDocument(beginnings); ++count) {
        const auto& mark = beginnings.last();
        if (mark.pos == before) {
            return fail(Kind::invalid, "{}:{}: not valid YAML: there is nothing before a comma", file, mark.line + 1);
        }
        if (count > most) {
            return fail(Kind::invalid, "{}:{}: here begins document {}, and only {} may be in a file: remove it", file,
                        mark.line + 1, count, most);
        }
        before = mark.pos;
    }
    return {};
}

}  // namespace

Result<std::vector<YAML::Node>> load_documents(const std::string& text, const std::string& file, std::size_t most) {
    try {
        TRY(check_beginnings(text, file, most));
        return YAML::LoadAll(text);
    } catch (const YAML::Exception& e) {
        return fail(Kind::invalid, "{}:{}: not valid YAML: {}", file, e.mark.line + 1, e.msg);
    }
}

}  // namespace diatom
