package chime

import (
	"net/http"
	"slices"
	"strings"
)

// noEngine is what starting a transcription comes to: no engine is configured.
var noEngine = failure{http.StatusUnprocessableEntity, "UnprocessableEntityException", "Unprocessable",
	"This server has no transcription engine.", ""}

func (h *Handler) startMeetingTranscription(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	if err := checkTranscription(c.body); err != nil {
		return nil, err
	}
	if _, err := h.meetings.GetConference(c.context(), c.actor, id); err != nil {
		return nil, err
	}
	return nil, noEngine
}

// stopMeetingTranscription: where nothing runs there is nothing to stop, which is no error.
func (h *Handler) stopMeetingTranscription(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	_, err = h.meetings.GetConference(c.context(), c.actor, id)
	return nil, err
}

// speech is what is asked of the engine for general speech.
type speech struct {
	language, preferred, options string
	identify                     bool
	identification, redaction    string
	entities, model              string
	singular, plural             bool // names of vocabularies and filters
}

// checkTranscription checks the input of StartMeetingTranscription: the model, then the rules beyond it.
func checkTranscription(body []byte) error {
	o, in := readObject(body)
	configuration, ok := o.child("TranscriptionConfiguration")
	if !ok {
		o.require("TranscriptionConfiguration")
	}
	general, isGeneral := configuration.child("EngineTranscribeSettings")
	medical, isMedical := configuration.child("EngineTranscribeMedicalSettings")
	s := readSpeech(general)
	if isMedical {
		checkMedical(medical)
	}
	if err := in.err(); err != nil {
		return err
	}
	switch {
	case isGeneral == isMedical:
		return badRequest("TranscriptionConfiguration must hold exactly one of EngineTranscribeSettings and EngineTranscribeMedicalSettings.")
	case isGeneral:
		return s.check()
	}
	return nil
}

func readSpeech(o object) speech {
	s := speech{
		language:       o.text("LanguageCode", oneOf(languages()...)),
		preferred:      o.text("PreferredLanguage", oneOf(languages()...)),
		options:        o.text("LanguageOptions", length(1, 200), pattern(`[a-zA-Z,-]+`)),
		identify:       o.boolean("IdentifyLanguage"),
		identification: o.text("ContentIdentificationType", oneOf("PII")),
		redaction:      o.text("ContentRedactionType", oneOf("PII")),
		entities:       o.text("PiiEntityTypes", length(1, 300), pattern(`[A-Z_, ]+`)),
		model:          o.text("LanguageModelName", length(1, 200), pattern(`[0-9a-zA-Z._-]+`)),
	}
	o.text("Region", oneOf("us-east-2", "us-east-1", "us-west-2", "ap-northeast-2", "ap-southeast-2", "ap-northeast-1", "ca-central-1",
		"eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1", "auto", "us-gov-west-1"))
	o.text("VocabularyFilterMethod", oneOf("remove", "mask", "tag"))
	o.text("PartialResultsStability", oneOf("low", "medium", "high"))
	o.boolean("EnablePartialResultsStabilization")
	names := []rule{length(1, 3000), pattern(`[a-zA-Z0-9,-._]+`)}
	s.singular = o.text("VocabularyName", length(0, 4096))+o.text("VocabularyFilterName", length(0, 4096)) != ""
	s.plural = o.text("VocabularyNames", names...)+o.text("VocabularyFilterNames", names...) != ""
	return s
}

func (s speech) check() error {
	switch {
	case (s.language != "") == s.identify:
		return badRequest("EngineTranscribeSettings must hold exactly one of LanguageCode and IdentifyLanguage.")
	case s.options != "" && !s.identify:
		return badRequest("LanguageOptions needs IdentifyLanguage.")
	case s.preferred != "" && s.options == "":
		return badRequest("PreferredLanguage needs IdentifyLanguage and LanguageOptions.")
	case s.identification != "" && s.redaction != "":
		return badRequest("ContentIdentificationType and ContentRedactionType exclude each other.")
	case s.entities != "" && s.identification == "" && s.redaction == "":
		return badRequest("PiiEntityTypes needs ContentIdentificationType or ContentRedactionType.")
	case s.identify && (s.model != "" || s.redaction != ""):
		return badRequest("IdentifyLanguage goes neither with LanguageModelName nor with ContentRedactionType.")
	case s.identify && s.singular:
		return badRequest("With IdentifyLanguage use VocabularyNames and VocabularyFilterNames.")
	case !s.identify && s.plural:
		return badRequest("VocabularyNames and VocabularyFilterNames need IdentifyLanguage.")
	case s.options != "":
		return s.checkOptions()
	}
	return nil
}

// checkOptions: two or more languages, one dialect of each.
func (s speech) checkOptions() error {
	codes := strings.Split(s.options, ",")
	seen := make(map[string]bool)
	for _, code := range codes {
		language, _, _ := strings.Cut(code, "-")
		if !slices.Contains(languages(), code) || seen[language] {
			return badRequest("LanguageOptions must be languages of the engine, one dialect of each.")
		}
		seen[language] = true
	}
	if len(codes) < 2 {
		return badRequest("LanguageOptions needs two languages or more.")
	}
	if s.preferred != "" && !slices.Contains(codes, s.preferred) {
		return badRequest("PreferredLanguage must be one of LanguageOptions.")
	}
	return nil
}

func checkMedical(o object) {
	o.required("LanguageCode", oneOf("en-US"))
	o.required("Specialty", oneOf("PRIMARYCARE", "CARDIOLOGY", "NEUROLOGY", "ONCOLOGY", "RADIOLOGY", "UROLOGY"))
	o.required("Type", oneOf("CONVERSATION", "DICTATION"))
	o.text("VocabularyName", length(0, 4096))
	o.text("Region", oneOf("us-east-1", "us-east-2", "us-west-2", "ap-southeast-2", "ca-central-1", "eu-west-1", "auto"))
	o.text("ContentIdentificationType", oneOf("PHI"))
}

func languages() []string {
	return []string{"en-US", "en-GB", "es-US", "fr-CA", "fr-FR", "en-AU", "it-IT", "de-DE", "pt-BR", "ja-JP", "ko-KR", "zh-CN", "th-TH", "hi-IN"}
}
