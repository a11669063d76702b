package demo

import "doran/chat"

// script is who talks with the guest, and what they say, round and round.
type script struct {
	kind, title string
	with        []string // the first one answers the guest
	before      int      // lines that were said before the guest comes
	pace        int      // seconds between lines, at least; twice as many at most
	lines       []line
}

type line struct{ who, text string }

var scripts = []script{
	{kind: chat.KindGroup, title: "도란도란 찻집 · Tea room", with: []string{"도담", "나래", "Bora", "해솔"}, before: 9, pace: 4, lines: []line{
		{"도담", "다들 아침 먹었어요?"},
		{"나래", "저는 누룽지 한 그릇 🍚"},
		{"Bora", "Good morning! Coffee first, then everything else."},
		{"해솔", "오늘 바람이 차요. 따뜻하게 입고 나오세요."},
		{"도담", "점심에 새로 생긴 국숫집 가 볼 사람?"},
		{"나래", "저요! 거기 멸치국수가 맛있대요."},
		{"Bora", "Count me in. 12:30?"},
		{"해솔", "12시 반 좋아요. 예약할게요."},
		{"도담", "지도는 여기: https://www.openstreetmap.org/"},
		{"나래", "고마워요 😊"},
		{"Bora", "Did anybody restart the server yesterday? My phone just went on where it was."},
		{"해솔", "네, 두 번이나요. 아무도 몰랐죠?"},
		{"도담", "메시지 하나도 안 빠졌어요. 신기하다."},
		{"나래", "지하철에서도 그대로 이어지더라고요."},
		{"Bora", "One cursor, every transport. I read the docs 🤓"},
		{"해솔", "오늘 저녁 노을이 예쁘대요."},
		{"도담", "그럼 퇴근하고 강변 산책?"},
		{"나래", "콜!"},
	}},
	{kind: chat.KindDirect, with: []string{"나래"}, before: 3, pace: 12, lines: []line{
		{"나래", "안녕하세요! 도란에 오신 걸 환영해요 👋"},
		{"나래", "여기에 아무 말이나 적어 보세요. 바로 대답할게요."},
		{"나래", "Write anything, in any language. I answer at once."},
		{"나래", "메시지를 길게 누르거나 오른쪽 단추로 누르면 고치거나 지울 수 있어요."},
		{"나래", "창을 하나 더 열어 보세요. 두 창이 똑같이 움직여요."},
		{"나래", "서버를 껐다 켜 보셔도 돼요. 저는 기다릴게요."},
	}},
}

var replies = []string{
	"오, 그렇군요! 더 얘기해 주세요.",
	"Nice! That came through at once, didn't it?",
	"하하 😄 맞아요.",
	"방금 그 메시지, 데이터베이스에 잘 들어갔어요.",
	"Good question. Ask the tea room, too!",
	"저도 그렇게 생각해요.",
}
